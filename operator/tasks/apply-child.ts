/**
 * Children that live as long as their resource (Deployment, Service, budget) are applied: when what is wanted changed,
 * when another changed what is there, and once after the start of the operator.
 */
import type { KubeObject, ResourceType } from '../runtime/index.ts';
import { keyOf, keyString } from '../runtime/index.ts';
import { digestOf } from '../specs/canonical.ts';
import type { OperatorContext } from './context.ts';
import { requireOurs } from './ensure.ts';

export class AppliedChildren {
  /** What was applied last, and the version that made; by kind and name. */
  readonly #applied = new Map<string, string>();

  /** `cached`: the child as the cache has it. Refuses to touch an object of this name that is not the resource's. */
  async apply<T extends KubeObject>(
    { client, config }: OperatorContext,
    type: ResourceType<T>,
    wanted: T,
    cached: KubeObject | undefined,
    owner: KubeObject,
    signal: AbortSignal,
  ): Promise<void> {
    const digest = digestOf(wanted);
    const key = `${type.kind}/${keyString(keyOf(wanted))}`;
    if (cached !== undefined && this.#applied.get(key) === `${digest} ${versionOf(cached)}`) return;
    const found = cached ?? (await client.find(type, keyOf(wanted), { signal }));
    if (found !== undefined) requireOurs(type, found, owner, config.installation);
    const stored = await client.apply(type, wanted, { signal });
    this.#applied.set(key, `${digest} ${versionOf(stored)}`);
  }
}

/** The generation changes with the spec alone; what has none seldom changes at all. */
function versionOf({ metadata: { uid, generation, resourceVersion } }: KubeObject): string {
  return `${uid} ${generation ?? resourceVersion}`;
}
