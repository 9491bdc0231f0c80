/** What becomes of a StreamInlet's status: pure, so that the CLI writes the same. */
import { errorTable } from '../../ingestor/contract/errors.ts';
import type { InletProgress } from '../../ingestor/contract/progress.ts';
import { inletID, requestOf } from '../api/names.ts';
import { type Outlook, ownConditions } from '../api/outlook.ts';
import type { StreamInlet, StreamInletStatus } from '../api/types.gen.ts';
import { summarise } from '../runtime/conditions.ts';
import type { Deployment } from '../runtime/core.ts';
import type { Note } from '../tasks/pods.ts';

/** What is known without asking anyone. */
export function introduced(inlet: StreamInlet, urls: readonly string[], selector: string): StreamInletStatus {
  const { namespace, name } = inlet.metadata;
  const request = requestOf(inlet) ?? inlet.status.lastHandledRequest;
  return {
    ...inlet.status,
    ...(request !== undefined && { lastHandledRequest: request }),
    inletID: inletID(namespace, name),
    urls: [...urls],
    selector,
  };
}

export interface Told {
  readonly report: InletProgress;
  /** RFC 3339. */
  readonly at: string;
}

/**
 * Each pod tells its view of the whole inlet, from the bucket: the newest counts, they are never added. Totals never go
 * back: a view from before the last one known is passed over.
 */
export function reported(status: StreamInletStatus, told: readonly Told[]): StreamInletStatus {
  const newest = [...told].sort(byAge).at(-1);
  if (newest === undefined || settled(newest.report.records) < settled(status.records ?? {})) return status;
  const { records, bytes, lagSeconds, lastCommitTime, errors, diagnostics } = newest.report;
  const { errors: _, diagnostics: __, ...kept } = status;
  return {
    ...kept,
    records,
    bytes: Math.max(bytes, status.bytes ?? 0),
    lagSeconds,
    ...(lastCommitTime !== undefined && { lastCommitTime }),
    lastReportTime: newest.at,
    ...(errors.length > 0 && { errors }),
    ...(diagnostics !== undefined && { diagnostics: { location: diagnostics } }),
  };
}

function byAge({ report: a }: Told, { report: b }: Told): number {
  return a.sequence - b.sequence || a.records.received - b.records.received;
}

/** Records with an outcome: of the same inlet this only rises. */
function settled({ ingested = 0, failed = 0, skipped = 0 }: NonNullable<StreamInletStatus['records']>): number {
  return ingested + failed + skipped;
}

/** `problem`: why pods do not start. `trouble`: why no round can be committed. */
export function outlookOf(
  inlet: StreamInlet,
  deployment: Pick<Deployment, 'metadata' | 'status'> | undefined,
  problem: Note | undefined,
  trouble: Note | undefined,
): Outlook {
  const { replicas } = inlet.spec;
  const {
    availableReplicas = 0,
    updatedReplicas = 0,
    replicas: there = 0,
    observedGeneration = 0,
  } = deployment?.status ?? {};
  const isCurrent = deployment !== undefined && observedGeneration >= (deployment.metadata.generation ?? 0);
  if (replicas === 0 && isCurrent && there === 0) {
    return { state: 'Ready', reason: 'Closed', message: 'closed as asked: replicas is 0' };
  }
  const ready = availableReplicas > 0 ? 'True' : 'False';
  if (problem !== undefined) return { state: 'Reconciling', ready, ...problem, isProblem: true };
  if (trouble !== undefined) {
    const { reason, message } = trouble;
    return { state: isPermanent(reason) ? 'Stalled' : 'Reconciling', reason, message, isProblem: true };
  }
  const isDone = updatedReplicas === replicas && there === replicas && availableReplicas >= replicas;
  if (isCurrent && isDone)
    return {
      state: 'Ready',
      reason: 'Available',
      message: replicas === 1 ? '1 pod takes records in' : `${replicas} pods take records in`,
    };
  const reason = availableReplicas > 0 ? 'RollingOut' : 'Starting';
  return { state: 'Reconciling', ready, reason, message: `pods available: ${availableReplicas} of ${replicas}` };
}

function isPermanent(code: string): boolean {
  const entry = Object.entries(errorTable).find(([name]) => name === code);
  return entry?.[1].kind === 'permanent';
}

export function withOutlook(
  inlet: StreamInlet,
  status: StreamInletStatus,
  outlook: Outlook,
  now: string,
): StreamInletStatus {
  const { state, reason, message, ready } = outlook;
  const observedGeneration = inlet.metadata.generation;
  const summary = { state, reason, message, observedGeneration, ...(ready !== undefined && { ready }) };
  return { ...status, observedGeneration, conditions: summarise(ownConditions(status.conditions), summary, now) };
}
