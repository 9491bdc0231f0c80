/** Where datasets lie: their own storage, or below the folder that `--lake` names. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Dataset } from '../../operator/api/types.gen.ts';
import type { LocalDataset } from '../../operator/api/validation/local-fields.ts';
import { datasetPlace } from '../../operator/specs/dataset.ts';
import { ForebayError } from '../contract/errors.ts';
import type { DatasetTarget } from '../contract/task.ts';
import type { Mounts } from './mounts.ts';

/** The folder of a `file:` URL or a path. Throws InvalidTask. */
export function parseLake(lake: string): string {
  if (!/^[a-z][a-z0-9+.-]*:/i.test(lake)) return lake;
  try {
    return fileURLToPath(lake);
  } catch (cause) {
    throw new ForebayError('InvalidTask', `--lake is ${lake}; it must be a folder, like file:///tmp/lake`, { cause });
  }
}

/** A folder that stands in for the storage stands in for a catalog too, which could not read it. */
export async function datasetTarget(
  dataset: LocalDataset,
  lake: string | undefined,
  installation: string,
  mounts: Mounts,
): Promise<DatasetTarget> {
  const { namespace, name } = dataset.metadata;
  if (lake !== undefined) {
    return { owner: { installation, namespace, name }, storage: { local: { path: join(lake, namespace, name) } } };
  }
  if (dataset.spec.storage === undefined) {
    throw new ForebayError(
      'InvalidTask',
      `Dataset ${name} has no storage: add it, or name a folder, as --lake file:///tmp/lake`,
    );
  }
  const { target, projections } = datasetPlace(asDataset(dataset), installation);
  const { storage, catalog } = target;
  if (!('s3' in storage)) return target;
  const inPlace = await mounts.mount(projections, namespace);
  return {
    ...target,
    storage: { s3: inPlace(storage.s3) },
    ...(catalog && { catalog: { rest: inPlace(catalog.rest) } }),
  };
}

/** As the rest of the operator's code knows it; where `--lake` stands in, its storage names no system. */
export function asDataset(dataset: LocalDataset): Dataset {
  return { ...dataset, spec: { ...dataset.spec, storage: dataset.spec.storage ?? {} } };
}
