/**
 * Places in object storage: where a pod finds them, and what must be mounted for it. All that a task needs is one
 * projected volume: the task document, the documented keys of Secrets, certificates. It follows changes of the Secrets.
 */
import type { V1VolumeProjection } from '@kubernetes/client-node';
import { podLayout, type RestCatalog, type S3Location } from '../../ingestor/contract/task.ts';
import type { DatasetSpecTableCatalogRest, S3Place } from '../api/types.gen.ts';
import type { Wire } from '../runtime/objects.ts';

/** Where the volume is mounted: the folder of the task document. */
export const taskFolder = podLayout.taskFile.slice(0, podLayout.taskFile.lastIndexOf('/'));

export interface Mounted {
  readonly location: S3Location;
  readonly projections: readonly Wire<V1VolumeProjection>[];
}

/** `role` tells several places of one task apart: `dataset`, `input`. */
export function mountPlace(place: S3Place, role: string, prefix = place.prefix): Mounted {
  const credentials = `${podLayout.credentials}/${role}`;
  const certificates = `${taskFolder}/certificates/${role}.pem`;
  return {
    location: {
      bucket: place.bucket,
      prefix,
      ...(place.region !== undefined && { region: place.region }),
      ...(place.endpoint !== undefined && { endpoint: place.endpoint }),
      ...(place.forcePathStyle !== undefined && { forcePathStyle: place.forcePathStyle }),
      ...(place.credentialsSecretRef && { credentialsPath: credentials }),
      ...(place.caConfigMapRef && { caPath: certificates }),
    },
    projections: [
      ...(place.credentialsSecretRef ? projectCredentials(place.credentialsSecretRef.name, relative(credentials)) : []),
      ...(place.caConfigMapRef ? [projectKey(place.caConfigMapRef, relative(certificates))] : []),
    ],
  };
}

/** The documented keys only. Temporary credentials bring a token: a second, optional source of the same Secret. */
function projectCredentials(secret: string, folder: string): Wire<V1VolumeProjection>[] {
  return [
    { secret: { name: secret, items: keysIn(folder, 'accessKeyID', 'secretAccessKey') } },
    { secret: { name: secret, items: keysIn(folder, 'sessionToken'), optional: true } },
  ];
}

function keysIn(folder: string, ...keys: readonly string[]): { key: string; path: string }[] {
  return keys.map((key) => ({ key, path: `${folder}/${key}` }));
}

/** The keys of a catalog are the one or the other: both are optional, and the pod tells when there are none. */
export function mountCatalog({ credentialsSecretRef, caConfigMapRef }: DatasetSpecTableCatalogRest): {
  readonly files: Pick<RestCatalog, 'credentialsPath' | 'caPath'>;
  readonly projections: readonly Wire<V1VolumeProjection>[];
} {
  const credentialsPath = `${podLayout.credentials}/catalog`;
  const caPath = `${taskFolder}/certificates/catalog.pem`;
  const secret = (name: string, ...keys: readonly string[]) => ({
    secret: { name, items: keysIn(relative(credentialsPath), ...keys), optional: true },
  });
  return {
    files: { ...(credentialsSecretRef && { credentialsPath }), ...(caConfigMapRef && { caPath }) },
    projections: [
      ...(credentialsSecretRef
        ? [secret(credentialsSecretRef.name, 'token'), secret(credentialsSecretRef.name, 'clientID', 'clientSecret')]
        : []),
      ...(caConfigMapRef ? [projectKey(caConfigMapRef, relative(caPath))] : []),
    ],
  };
}

function projectKey(ref: { readonly name: string; readonly key: string }, path: string): Wire<V1VolumeProjection> {
  return { configMap: { name: ref.name, items: [{ key: ref.key, path }] } };
}

function relative(path: string): string {
  return path.slice(taskFolder.length + 1);
}

/** What of a place could be asked for; no credentials. */
export function describePlace(place: S3Place): string {
  const path = [place.bucket, place.prefix].filter((part) => part !== '').join('/');
  return place.endpoint === undefined ? `s3://${path}` : `${place.endpoint.replace(/\/+$/, '')}/${path}`;
}
