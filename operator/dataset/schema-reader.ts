/**
 * The schema of a Dataset, as text. A ConfigMap is read by name and not watched: watching would mean the right to read
 * all of them, all the time. What was read is remembered for the refresh time; what is missing is looked for more often.
 */
import { requestOf } from '../api/names.ts';
import type { Dataset } from '../api/types.gen.ts';
import { configMaps, keyOf, keyString, type ObjectKey } from '../runtime/index.ts';
import { canonicalJson } from '../specs/canonical.ts';
import type { OperatorContext } from '../tasks/context.ts';

export type SchemaReading =
  | { readonly text: string; readonly refreshSeconds: number }
  /** Why there is none. */
  | { readonly missing: string; readonly refreshSeconds: number };

interface Remembered {
  /** Resource, generation and request for which it was read. */
  readonly asked: string;
  readonly reading: { readonly text: string } | { readonly missing: string };
  readonly until: number;
  readonly pauseSeconds: number;
}

const longestPauseSeconds = 60;

export class SchemaReader {
  /** By Dataset. */
  readonly #remembered = new Map<string, Remembered>();

  async read(context: OperatorContext, dataset: Dataset, signal: AbortSignal): Promise<SchemaReading> {
    const { inline, configMapRef } = dataset.spec.schema;
    const { clock, config } = context;
    if (inline !== undefined) return { text: canonicalJson(inline), refreshSeconds: config.maintainSeconds };
    if (configMapRef === undefined)
      return { missing: 'the schema has no member that this version knows', refreshSeconds: longestPauseSeconds };
    const { uid, generation } = dataset.metadata;
    const key = keyString(keyOf(dataset));
    const asked = `${uid} ${generation} ${requestOf(dataset)}`;
    const known = this.#remembered.get(key);
    const now = clock.now();
    if (known !== undefined && known.asked === asked && now < known.until) return reading(known, now);

    const found = await find(context, dataset, configMapRef, signal);
    const pauseSeconds =
      'text' in found
        ? config.schemaRefreshSeconds
        : Math.min(
            known?.asked === asked && 'missing' in known.reading ? known.pauseSeconds * 2 : 1,
            longestPauseSeconds,
          );
    const remembered = { asked, reading: found, until: now + pauseSeconds * 1_000, pauseSeconds };
    this.#remembered.set(key, remembered);
    return reading(remembered, now);
  }

  forget(dataset: ObjectKey): void {
    this.#remembered.delete(keyString(dataset));
  }
}

function reading({ reading, until }: Remembered, now: number): SchemaReading {
  return { ...reading, refreshSeconds: Math.max(1, Math.ceil((until - now) / 1_000)) };
}

async function find(
  { client }: OperatorContext,
  { metadata: { namespace } }: Dataset,
  { name, key }: { readonly name: string; readonly key: string },
  signal: AbortSignal,
): Promise<Remembered['reading']> {
  const configMap = await client.find(configMaps, { namespace, name }, { signal });
  if (configMap === undefined) return { missing: `ConfigMap ${name} does not exist` };
  const text = configMap.data?.[key];
  return text === undefined ? { missing: `ConfigMap ${name} has no key ${key}` } : { text };
}
