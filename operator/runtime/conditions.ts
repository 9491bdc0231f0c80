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

/** With the condition in it, in place of an earlier one of its type. The transition time moves only with the status. */
export function setCondition(_conditions: readonly Condition[], _condition: NewCondition, _now: string): Condition[] {
  throw new Error('not implemented');
}

export function removeCondition(_conditions: readonly Condition[], _type: string): Condition[] {
  throw new Error('not implemented');
}

export function findCondition(_conditions: readonly Condition[] | undefined, _type: string): Condition | undefined {
  throw new Error('not implemented');
}

export function isTrue(_conditions: readonly Condition[] | undefined, _type: string): boolean {
  throw new Error('not implemented');
}

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
export function summarise(_conditions: readonly Condition[], _summary: Summary, _now: string): Condition[] {
  throw new Error('not implemented');
}

export type KubeStatus = 'Current' | 'InProgress' | 'Failed' | 'Terminating';

/** What kstatus (and with it Flux, Argo CD, Helm, kubectl plugins) makes of an object with these fields. */
export function kubeStatus(_object: {
  readonly metadata: { readonly generation?: number; readonly deletionTimestamp?: string };
  readonly status?: { readonly observedGeneration?: number; readonly conditions?: readonly Condition[] };
}): KubeStatus {
  throw new Error('not implemented');
}
