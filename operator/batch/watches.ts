/** What makes a Batch be looked at. */
import { isEnded } from '../api/conditions.ts';
import { annotationNames, labelNames } from '../api/names.ts';
import { batches } from '../api/resources.ts';
import type { Batch } from '../api/types.gen.ts';
import {
  annotationChanged,
  anyOf,
  deletionRequested,
  generationChanged,
  type KubeObject,
  keyOf,
  keyString,
  mapped,
  type ObjectKey,
  owned,
  primary,
  type Source,
} from '../runtime/index.ts';
import type { Caches } from '../tasks/context.ts';
import { isReplacedBy } from './replacement.ts';

export function batchSources(caches: Caches): Source[] {
  const { store } = caches.batches;
  const waitingFor = (index: 'dataset' | 'connection') => (object: KubeObject) =>
    store.byIndex(index, keyString(keyOf(object))).map(keyOf);
  return [
    primary(
      caches.batches,
      anyOf(generationChanged, annotationChanged(annotationNames.requestedAt), deletionRequested),
    ),
    // Rows of another batch may have been replaced by this one.
    mapped(
      caches.batches,
      (other) =>
        store
          .byIndex('dataset', keyString(datasetOf(other)))
          .filter((it) => isReplacedBy(it, other))
          .map(keyOf),
      ({ before, after }) => after?.spec.replaces !== undefined && isEnded(after) && !(before && isEnded(before)),
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

function datasetOf({ metadata: { namespace }, spec }: Batch): ObjectKey {
  return { namespace, name: spec.datasetRef.name };
}
