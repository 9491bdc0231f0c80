import type { Clock, Log, Random } from '../contract/environment.ts';
import type { StoreLocation } from '../contract/task.ts';
import type { Store } from './store.ts';

export interface OpenStoreOptions {
  readonly clock?: Clock;
  readonly random?: Random;
  readonly log?: Log;
  /** How long refused credentials are read again before CredentialsRefused. Default two minutes; S3 only. */
  readonly credentialsPatienceMilliseconds?: number;
}

/** Opens a place; nothing is asked of it yet. Modules load when they are needed: a local run never loads S3's client. */
export async function openStore(location: StoreLocation, options: OpenStoreOptions = {}): Promise<Store> {
  if ('local' in location) {
    const { LocalStore } = await import('./local.ts');
    return new LocalStore(location.local.path, options);
  }
  const { openS3Store } = await import('./s3.ts');
  return openS3Store(location.s3, options);
}
