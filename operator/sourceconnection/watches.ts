/** What makes a SourceConnection be looked at. */
import { annotationNames, labelNames } from '../api/names.ts';
import { sourceConnections } from '../api/resources.ts';
import {
  annotationChanged,
  anyOf,
  deletionRequested,
  generationChanged,
  keyOf,
  keyString,
  mapped,
  owned,
  primary,
  type Source,
} from '../runtime/index.ts';
import type { Caches } from '../tasks/context.ts';

export function connectionSources(caches: Caches): Source[] {
  return [
    primary(
      caches.connections,
      anyOf(generationChanged, annotationChanged(annotationNames.requestedAt), deletionRequested),
    ),
    owned(sourceConnections, caches.jobs),
    // Its runs.
    owned(sourceConnections, caches.batches),
    mapped(caches.pods, (pod) => {
      const { [labelNames.kind]: kind, [labelNames.name]: name } = pod.metadata.labels ?? {};
      return kind === sourceConnections.kind && name !== undefined ? [{ ...keyOf(pod), name }] : [];
    }),
    mapped(
      caches.datasets,
      (dataset) => caches.connections.store.byIndex('dataset', keyString(keyOf(dataset))).map(keyOf),
      ({ before, after }) =>
        before === undefined ||
        before.metadata.deletionTimestamp !== after?.metadata.deletionTimestamp ||
        (before.status.schema === undefined) !== (after?.status.schema === undefined),
    ),
  ];
}
