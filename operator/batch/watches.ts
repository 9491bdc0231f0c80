/** What makes a Batch be looked at. */
import { annotationNames, labelNames } from '../api/names.ts';
import { batches } from '../api/resources.ts';
import {
  annotationChanged,
  anyOf,
  deletionRequested,
  generationChanged,
  type KubeObject,
  keyOf,
  keyString,
  mapped,
  owned,
  primary,
  type Source,
} from '../runtime/index.ts';
import type { Caches } from '../tasks/context.ts';

export function batchSources(caches: Caches): Source[] {
  const { store } = caches.batches;
  const waitingFor = (index: 'dataset' | 'connection') => (object: KubeObject) =>
    store.byIndex(index, keyString(keyOf(object))).map(keyOf);
  return [
    primary(
      caches.batches,
      anyOf(generationChanged, annotationChanged(annotationNames.requestedAt), deletionRequested),
    ),
    owned(batches, caches.jobs),
    mapped(caches.pods, (pod) => {
      const { [labelNames.kind]: kind, [labelNames.name]: name } = pod.metadata.labels ?? {};
      return kind === batches.kind && name !== undefined ? [{ ...keyOf(pod), name }] : [];
    }),
    mapped(caches.datasets, waitingFor('dataset'), ({ before, after }) => {
      const isNews = before?.status.schema?.digest !== after?.status.schema?.digest;
      return isNews || before === undefined || after?.metadata.deletionTimestamp !== before.metadata.deletionTimestamp;
    }),
    mapped(caches.connections, waitingFor('connection'), generationChanged),
  ];
}
