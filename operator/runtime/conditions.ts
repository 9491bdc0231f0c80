/** Conditions as pure values, by the rules of kstatus. */

export interface Condition {
  type: string;
  status: 'True' | 'False' | 'Unknown';
  reason: string;
  message: string;
  observedGeneration: number;
  /** When the status last changed; RFC 3339, whole seconds. */
  lastTransitionTime: string;
}

export type NewCondition = Omit<Condition, 'lastTransitionTime'>;

/** How an object stands, in one word. */
export interface Summary {
  /**
   * Ready: as it should be. Reconciling: on the way. Stalled: only a person can help. Waiting: neither (suspended,
   * closed).
   */
  readonly state: 'Ready' | 'Reconciling' | 'Stalled' | 'Waiting';
  readonly reason: string;
  readonly message: string;
  readonly observedGeneration: number;
  /** Of the condition Ready, when it is not what the state says (True when Ready, else False). */
  readonly ready?: Condition['status'];
}

/** Sets Ready, and Reconciling and Stalled so that each is present only while True. */
export function summarise(conditions: readonly Condition[], summary: Summary, now: string): Condition[] {
  const { state, reason, message, observedGeneration } = summary;
  const ready = summary.ready ?? (state === 'Ready' ? 'True' : 'False');
  let result = setCondition(conditions, { type: 'Ready', status: ready, reason, message, observedGeneration }, now);
  for (const type of ['Reconciling', 'Stalled'] as const) {
    result =
      state === type
        ? setCondition(result, { type, status: 'True', reason, message, observedGeneration }, now)
        : removeCondition(result, type);
  }
  return result;
}

/** With the condition in it, in place of an earlier one of its type. The transition time moves only with the status. */
export function setCondition(conditions: readonly Condition[], condition: NewCondition, now: string): Condition[] {
  const earlier = findCondition(conditions, condition.type);
  const lastTransitionTime = earlier?.status === condition.status ? earlier.lastTransitionTime : now;
  const { type, status, reason, message, observedGeneration } = condition;
  const next: Condition = { type, status, reason, message, observedGeneration, lastTransitionTime };
  return earlier === undefined
    ? [...conditions, next]
    : conditions.map((existing) => (existing === earlier ? next : existing));
}

export function removeCondition(conditions: readonly Condition[], type: string): Condition[] {
  return conditions.filter((condition) => condition.type !== type);
}

export function findCondition(conditions: readonly Condition[] | undefined, type: string): Condition | undefined {
  return conditions?.find((condition) => condition.type === type);
}

export function isTrue(conditions: readonly Condition[] | undefined, type: string): boolean {
  return findCondition(conditions, type)?.status === 'True';
}

export type KubeStatus = 'Current' | 'InProgress' | 'Failed' | 'Terminating';

/** What kstatus (and with it Flux, Argo CD, Helm, kubectl plugins) makes of an object with these fields. */
export function kubeStatus(object: {
  readonly metadata: { readonly generation?: number; readonly deletionTimestamp?: string };
  readonly status?: { readonly observedGeneration?: number; readonly conditions?: readonly Condition[] };
}): KubeStatus {
  const { generation, deletionTimestamp } = object.metadata;
  const { observedGeneration, conditions } = object.status ?? {};
  if (deletionTimestamp !== undefined) return 'Terminating';
  if (generation !== observedGeneration) return 'InProgress';
  if (isTrue(conditions, 'Reconciling')) return 'InProgress';
  if (isTrue(conditions, 'Stalled')) return 'Failed';
  const ready = findCondition(conditions, 'Ready');
  return ready === undefined || ready.status === 'True' ? 'Current' : 'InProgress';
}
