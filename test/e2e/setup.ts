/** What all end-to-end tests share: a cluster with Forebay and an S3 server in it. */
import type { TestProject } from 'vitest/node';
import { forwardS3, s3InCluster, startS3InCluster } from '../cluster/s3.ts';
import type { S3Address } from '../servers/s3.ts';
import { startCluster } from '../support/cluster.ts';
import { installForebay } from '../support/install.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The S3 server as pods reach it, and as the tests do. */
    clusterS3: { inCluster: S3Address; fromHost: S3Address };
  }
}

export async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  await startCluster();
  await startS3InCluster();
  await installForebay(['operator.progressSeconds=1', 'operator.inletReportSeconds=2']);
  const { address, forward } = await forwardS3();
  provide('clusterS3', { inCluster: s3InCluster, fromHost: address });
  return forward.stop;
}
