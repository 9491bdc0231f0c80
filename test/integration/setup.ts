/** What all integration tests share: S3 servers on loopback, and the API server of the test cluster. A test file gets
 * them by `inject`. */
import type { TestProject } from 'vitest/node';
import { type S3Address, startMoto, startSeaweedFS } from '../servers/s3.ts';
import { kubeconfig, startCluster } from '../support/cluster.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** SeaweedFS: strict about keys. */
    s3: S3Address;
    /** moto: lists in byte order, keeps every key as given. */
    moto: S3Address;
    /** Path of the file. */
    kubeconfig: string;
  }
}

export async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  await startCluster();
  provide('kubeconfig', kubeconfig);
  const [seaweedfs, moto] = await Promise.all([startSeaweedFS(), startMoto()]);
  provide('s3', seaweedfs.address);
  provide('moto', moto.address);
  return async () => {
    await Promise.all([seaweedfs.stop(), moto.stop()]);
  };
}
