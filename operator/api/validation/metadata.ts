/** What Kubernetes asks of the metadata of every resource; the CRDs add their rules about names. */
import { closest } from './hints.ts';
import { type Finding, isObject } from './schema.ts';
import { show } from './values.ts';

const fields = [
  'name',
  'generateName',
  'namespace',
  'labels',
  'annotations',
  'finalizers',
  'ownerReferences',
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'managedFields',
  'selfLink',
];

const subdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const label = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const qualifiedName = /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const labelValue = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/;

/** `metadata` of a manifest that is to be applied: it needs a name. */
export function checkMetadata(metadata: unknown): Finding[] {
  if (!isObject(metadata)) return [{ path: ['metadata'], message: 'is required, with at least a name' }];
  const unknown = Object.keys(metadata).filter((key) => !fields.includes(key));
  return [
    ...unknown.map((key) => ({ path: ['metadata', key], message: unknownField(key) })),
    ...checkName(metadata.name),
    ...checkNamespace(metadata.namespace),
    ...checkMap('labels', metadata.labels),
    ...checkMap('annotations', metadata.annotations),
  ];
}

function unknownField(key: string): string {
  const meant = closest(key, fields);
  return meant
    ? `unknown field; did you mean ${meant}?`
    : 'unknown field; labels and annotations take keys of your own';
}

function checkName(name: unknown): Finding[] {
  const path = ['metadata', 'name'];
  if (name === undefined || name === null || name === '') return [{ path, message: 'is required' }];
  if (typeof name !== 'string') return [{ path, message: `must be a string, not ${show(name)}: put it in quotes` }];
  if (subdomain.test(name)) return [];
  return [{ path, message: `${show(name)} is no name: write lower-case letters, digits and dashes` }];
}

function checkNamespace(namespace: unknown): Finding[] {
  if (namespace === undefined || namespace === null || namespace === '') return [];
  if (typeof namespace === 'string' && label.test(namespace) && namespace.length <= 63) return [];
  const message = `${show(namespace)} is no namespace: write at most 63 lower-case letters, digits and dashes`;
  return [{ path: ['metadata', 'namespace'], message }];
}

function checkMap(field: 'labels' | 'annotations', map: unknown): Finding[] {
  const path = ['metadata', field];
  if (map === undefined || map === null) return [];
  if (!isObject(map)) return [{ path, message: `must be an object, not ${show(map)}: write {key: value}` }];
  return Object.entries(map).flatMap(([key, value]) => {
    const place = [...path, key];
    if (!qualifiedName.test(key))
      return [
        {
          path: place,
          message: 'is no key: write letters, digits, dashes, dots and underscores, as name or domain/name',
        },
      ];
    if (typeof value !== 'string')
      return [{ path: place, message: `must be a string, not ${show(value)}: put it in quotes` }];
    if (field === 'annotations' || labelValue.test(value)) return [];
    return [
      {
        path: place,
        message: `${show(value)} is no value of a label: write at most 63 letters, digits, dashes, dots and underscores`,
      },
    ];
  });
}
