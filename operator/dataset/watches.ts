/** What makes a Dataset be looked at. */
import { isEnded } from '../api/conditions.ts';
import { annotationNames, labelNames } from '../api/names.ts';
import { datasets } from '../api/resources.ts';
import {
  annotationChanged,
  anyOf,
  deletionRequested,
  generationChanged,
  keyOf,
  mapped,
  owned,
  primary,
  type Source,
} from '../runtime/index.ts';
import type { Caches } from '../tasks/context.ts';

export function datasetSources(caches: Caches): Source[] {
  return [
    primary(
      caches.datasets,
      anyOf(generationChanged, annotationChanged(annotationNames.requestedAt), deletionRequested),
    ),
    owned(datasets, caches.jobs),
    mapped(caches.pods, (pod) => {
      const { [labelNames.kind]: kind, [labelNames.name]: name } = pod.metadata.labels ?? {};
      return kind === datasets.kind && name !== undefined ? [{ ...keyOf(pod), name }] : [];
    }),
    // How many are under way.
    mapped(
      caches.batches,
      ({ metadata: { namespace }, spec }) => [{ namespace, name: spec.datasetRef.name }],
      ({ before, after }) => before === undefined || after === undefined || isEnded(before) !== isEnded(after),
    ),
  ];
}
