/** What becomes of a SourceConnection's status: pure, so that the CLI writes the same. */
import type { CheckResult } from '../../ingestor/contract/result.ts';
import { conditionTypes, hasSucceeded, isEnded, succeededCondition } from '../api/conditions.ts';
import { annotationNames } from '../api/names.ts';
import { type Outlook, ownConditions } from '../api/outlook.ts';
import type { Batch, RunMention, SourceConnection, SourceConnectionStatus } from '../api/types.gen.ts';
import { findCondition, setCondition, summarise } from '../runtime/conditions.ts';
import { sourceType } from '../specs/connection.ts';
import type { Note } from '../tasks/pods.ts';

export interface Connected extends Note {
  readonly status: 'True' | 'False' | 'Unknown';
}

export function connectedBy({ matchingFiles, more }: CheckResult): Connected {
  const files = more
    ? `at least ${matchingFiles} files match`
    : matchingFiles === 1
      ? '1 file matches'
      : `${matchingFiles} files match`;
  return { status: 'True', reason: 'Connected', message: `the source answers; ${files}` };
}

export function withConnected(connection: SourceConnection, connected: Connected, now: string): SourceConnectionStatus {
  const { status, metadata } = connection;
  const condition = { type: conditionTypes.connected, ...connected, observedGeneration: metadata.generation };
  return { ...status, conditions: setCondition(ownConditions(status.conditions), condition, now) };
}

export function connectedOf({ status }: SourceConnection): Connected | undefined {
  return findCondition(ownConditions(status.conditions), conditionTypes.connected);
}

/** A run that was made: the next of its kind begins when it has ended. */
export function started(status: SourceConnectionStatus, name: string, scheduledTime: string): SourceConnectionStatus {
  return { ...status, lastRun: { name, scheduledTime, reason: 'Queued' } };
}

/**
 * What the last run tells by now. Its end is counted once: with it, the time of the end is written down. A further end,
 * of a run that failed and was asked for again, counts as well.
 */
export function followed(status: SourceConnectionStatus, run: Batch): SourceConnectionStatus {
  const known = status.lastRun;
  const { completionTime } = run.status;
  const reason = succeededCondition(run)?.reason ?? 'Queued';
  const scheduledTime = run.metadata.annotations?.[annotationNames.scheduledTime] ?? known?.scheduledTime;
  const mention: RunMention = {
    name: run.metadata.name,
    ...(scheduledTime !== undefined && { scheduledTime }),
    reason,
  };
  if (!isEnded(run) || completionTime === undefined) return { ...status, lastRun: mention };
  const lastRun = { ...mention, completionTime };
  // Rows that are taken out later were read once all the same.
  const isTakenOut = reason === 'Reverted' || reason === 'Replaced';
  const knownEnd = known !== undefined && known.name === lastRun.name ? known.completionTime : undefined;
  if (knownEnd !== undefined && (isTakenOut || knownEnd === completionTime)) return { ...status, lastRun };
  return counted({ ...status, lastRun }, run, lastRun);
}

function counted(status: SourceConnectionStatus, run: Batch, mention: RunMention): SourceConnectionStatus {
  const { succeeded = 0, failed = 0 } = status.runs ?? {};
  const isGood = hasSucceeded(run);
  const add = (key: 'read' | 'ingested' | 'failed' | 'skipped') =>
    (status.records?.[key] ?? 0) + (run.status.records?.[key] ?? 0);
  return {
    ...status,
    ...(isGood && { lastSuccessfulRun: mention }),
    runs: { succeeded: succeeded + (isGood ? 1 : 0), failed: failed + (isGood ? 0 : 1) },
    records: { read: add('read'), ingested: add('ingested'), failed: add('failed'), skipped: add('skipped') },
  };
}

/** The Batch of the last run was deleted before it ended: nobody waits for it any more. */
export function lost(status: SourceConnectionStatus, now: string): SourceConnectionStatus {
  return { ...status, lastRun: { ...status.lastRun, completionTime: now, reason: 'Deleted' } };
}

export function withNextRun(status: SourceConnectionStatus, next: Date | undefined): SourceConnectionStatus {
  const { nextRunTime: _, ...rest } = status;
  return next === undefined ? rest : { ...rest, nextRunTime: next.toISOString().replace(/\.\d+Z$/, 'Z') };
}

/** Runs that may go: past the history, but never the newest that succeeded, from which people go on. */
export function outdatedRuns(connection: SourceConnection, runs: readonly Batch[]): Batch[] {
  const { succeeded, failed } = connection.spec.history;
  const ended = runs
    .filter(isEnded)
    .sort((a, b) => Date.parse(b.status.completionTime ?? '') - Date.parse(a.status.completionTime ?? ''));
  const good = ended.filter(hasSucceeded);
  const bad = ended.filter((run) => !hasSucceeded(run));
  return [...good.slice(Math.max(1, succeeded)), ...bad.slice(failed)];
}

export function withOutlook(connection: SourceConnection, outlook: Outlook, now: string): SourceConnectionStatus {
  const { status, metadata } = connection;
  const { state, reason, message, ready } = outlook;
  const observedGeneration = metadata.generation;
  const summary = { state, reason, message, observedGeneration, ...(ready !== undefined && { ready }) };
  const conditions = summarise(ownConditions(status.conditions), summary, now);
  return { ...status, observedGeneration, sourceType: sourceType(connection), conditions };
}
