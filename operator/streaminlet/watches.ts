/** What makes a StreamInlet be looked at. */
import { annotationNames, labelNames } from '../api/names.ts';
import { streamInlets } from '../api/resources.ts';
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

export function inletSources(caches: Caches): Source[] {
  return [
    primary(caches.inlets, anyOf(generationChanged, annotationChanged(annotationNames.requestedAt), deletionRequested)),
    owned(streamInlets, caches.deployments),
    owned(streamInlets, caches.services),
    owned(streamInlets, caches.budgets),
    mapped(caches.pods, (pod) => {
      const { [labelNames.kind]: kind, [labelNames.name]: name } = pod.metadata.labels ?? {};
      return kind === streamInlets.kind && name !== undefined ? [{ ...keyOf(pod), name }] : [];
    }),
    // Storage and podTemplate are part of the pods; the schema is read by them.
    mapped(
      caches.datasets,
      (dataset) => caches.inlets.store.byIndex('dataset', keyString(keyOf(dataset))).map(keyOf),
      ({ before, after }) =>
        before === undefined ||
        before.metadata.generation !== after?.metadata.generation ||
        before.metadata.deletionTimestamp !== after.metadata.deletionTimestamp ||
        (before.status.schema === undefined) !== (after.status.schema === undefined),
    ),
  ];
}
