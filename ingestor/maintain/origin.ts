/** Who wrote a data file, as its key tells. */
export type Origin =
  | { readonly batch: string; readonly run: number }
  | { readonly inlet: string; readonly round: number };

const ofRun = /^([0-9a-f]{32})\/([1-9][0-9]*)\//;
const ofRound = /^inlet-([0-9a-f]{64})\/([1-9][0-9]*)\//;

/** Undefined for a file of another program. */
export function originOf(dataFolder: string, key: string): Origin | undefined {
  if (!key.startsWith(dataFolder)) return undefined;
  const rest = key.slice(dataFolder.length);
  const [, batch, run] = ofRun.exec(rest) ?? [];
  if (batch !== undefined && run !== undefined) return { batch, run: Number(run) };
  const [, inlet, round] = ofRound.exec(rest) ?? [];
  return inlet === undefined || round === undefined ? undefined : { inlet, round: Number(round) };
}
