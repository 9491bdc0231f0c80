/** Trials as text: how failing ones are printed, and kept in seeds.ts. */
import { isUtf8 } from 'node:buffer';
import type { Trial } from './trial.ts';

/** A trial whose bytes are text, or base64 where they are none; what is not said is as usual. */
export interface KeptTrial {
  /** What went wrong. */
  readonly title: string;
  readonly trial: Pick<Trial, 'schema' | 'format'> &
    Partial<
      Pick<Trial, 'mapping' | 'times' | 'maxRecordBytes' | 'pieces' | 'parts' | 'targetFileSizeBytes' | 'threads'>
    >;
  readonly head?: string;
  readonly between?: string;
  readonly tail?: string;
  readonly records: readonly string[];
  /** The records and what is between them are base64. */
  readonly base64?: true;
}

const usual = {
  mapping: [],
  times: 1,
  maxRecordBytes: 2 ** 20,
  pieces: [2 ** 20],
  parts: 1,
  targetFileSizeBytes: 2 ** 27,
  threads: 1,
};

export function trialOf({ trial, head = '', between = '', tail = '', records, base64 }: KeptTrial): Trial {
  const bytes = (text: string) => Buffer.from(text, base64 ? 'base64' : 'utf8');
  return {
    seed: 0,
    ...usual,
    ...trial,
    head: bytes(head),
    between: bytes(between),
    tail: bytes(tail),
    records: records.map(bytes),
  };
}

/** The text of a KeptTrial, to be pasted into seeds.ts. */
export function textOf(trial: Trial, title: string): string {
  const { schema, format, head, between, tail, records } = trial;
  const valid = [head, between, tail, ...records].every((bytes) => isUtf8(bytes));
  const text = (bytes: Buffer) => bytes.toString(valid ? 'utf8' : 'base64');
  const unusual = Object.entries(usual).flatMap(([name, value]) => {
    const own: unknown = trial[name as keyof Trial];
    return JSON.stringify(own) === JSON.stringify(value) ? [] : [[name, own] as const];
  });
  const named = Object.entries({ head, between, tail }).flatMap(([name, bytes]) =>
    bytes.length === 0 ? [] : [[name, text(bytes)] as const],
  );
  const kept = {
    title,
    trial: { schema, format, ...Object.fromEntries(unusual) },
    ...Object.fromEntries(named),
    records: records.map(text),
    ...(valid ? {} : { base64: true }),
  };
  return JSON.stringify(kept, undefined, 2);
}
