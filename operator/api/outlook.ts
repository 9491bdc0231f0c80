/** How a resource stands after a reconcile. Pure. */

import type { Condition as OwnCondition, Summary } from '../runtime/conditions.ts';
import type { Condition } from './types.gen.ts';

export interface Outlook {
  readonly state: Summary['state'];
  readonly reason: string;
  readonly message: string;
  /** Of the condition Ready, when it is not what the state says. */
  readonly ready?: Summary['ready'];
  /** Something is in the way: the event is a warning. What is Stalled always is. */
  readonly isProblem?: boolean;
  /** Look again then, at the latest. */
  readonly requeueAfterSeconds?: number;
}

/** What a reconcile answers: never at once, so that nothing spins. */
export function requeue({ requeueAfterSeconds }: Outlook): { readonly requeueAfterSeconds: number } | undefined {
  return requeueAfterSeconds === undefined ? undefined : { requeueAfterSeconds: Math.max(1, requeueAfterSeconds) };
}

/** The generated type says what may be absent in what others wrote; the operator writes all of it. */
export function ownConditions(conditions: readonly Condition[] | undefined): OwnCondition[] {
  return (conditions ?? []).map((condition) => ({ observedGeneration: 0, ...condition }));
}
