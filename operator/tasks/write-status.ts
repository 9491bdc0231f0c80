import { conditionTypes } from '../api/conditions.ts';
import type { Outlook } from '../api/outlook.ts';
import type { Condition } from '../api/types.gen.ts';
import { isConflict, isNotFound, type KubeObject, type ResourceType } from '../runtime/index.ts';
import { canonicalJson } from '../specs/canonical.ts';
import type { OperatorContext } from './context.ts';

interface HasStatus extends KubeObject {
  readonly status: { readonly conditions?: Condition[] };
}

/** Writes the status when it differs, and tells people when the state changed. Gives the resource as it is then stored. */
export async function writeStatus<T extends HasStatus>(
  { client, events, ownWrites }: Pick<OperatorContext, 'client' | 'events' | 'ownWrites'>,
  type: ResourceType<T>,
  resource: T,
  status: T['status'],
  outlook: Pick<Outlook, 'state' | 'isProblem'>,
  signal: AbortSignal,
): Promise<T> {
  if (canonicalJson(status) === canonicalJson(resource.status)) return resource;
  const stored = await client.applyStatus(type, resource, status, { signal }).catch((error: unknown) => {
    // Deleted, or deleted and made again: nobody is left to be told.
    if (isNotFound(error) || isConflict(error)) return undefined;
    throw error;
  });
  if (stored === undefined) return resource;
  ownWrites.remember(resource, stored);
  const isWarning = outlook.state === 'Stalled' || outlook.isProblem === true;
  for (const { reason, message } of changesOfState(resource.status.conditions, status.conditions)) {
    events.record(type, stored, { type: isWarning ? 'Warning' : 'Normal', reason, action: 'Reconcile', note: message });
  }
  return stored;
}

/** Of the main conditions; messages may change with the numbers in them. */
function changesOfState(before: readonly Condition[] = [], after: readonly Condition[] = []): Condition[] {
  const { ready, succeeded, connected } = conditionTypes;
  const main: string[] = after.some(({ type }) => type === succeeded) ? [succeeded] : [ready, connected];
  return after.filter((now) => {
    const earlier = before.find(({ type }) => type === now.type);
    return main.includes(now.type) && (now.reason !== earlier?.reason || now.status !== earlier.status);
  });
}
