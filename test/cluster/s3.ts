/**
 * SeaweedFS in the cluster, for pods and, by way of a forward, for tests and the demo on the host.
 *
 *     node test/cluster/s3.ts     puts it there and tells its address in the cluster
 */
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packImage } from '../../image/pack.ts';
import { installServers } from '../servers/install.ts';
import { identities, type S3Address, seaweedIdentities, seaweedOptions } from '../servers/s3.ts';
import { type Forward, forward, kubectl, loadImage } from '../support/cluster.ts';

const namespace = 'storage';

/** As pods know it. */
export const s3InCluster: S3Address = {
  endpoint: `http://s3.${namespace}.svc:8333`,
  region: 'us-east-1',
  ...identities,
};

/** Puts the server into the cluster, if it is not there, and waits until it answers. */
export async function startS3InCluster(): Promise<void> {
  const running = await kubectl([
    'get',
    'deployment',
    's3',
    '--namespace',
    namespace,
    '--ignore-not-found',
    '-o',
    'name',
  ]);
  if (!running) {
    await loadServerImage();
    await kubectl(['apply', '-f', join(import.meta.dirname, 's3.yaml')]);
  }
  await kubectl(['rollout', 'status', 'deployment/s3', '--namespace', namespace, '--timeout=120s']);
}

/** The same server, as the host reaches it. */
export async function forwardS3(): Promise<{ address: S3Address; forward: Forward }> {
  const forwarded = await forward({ namespace, target: 'service/s3', port: 8333 });
  return { address: { ...s3InCluster, endpoint: forwarded.url }, forward: forwarded };
}

async function loadServerImage(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'forebay-s3-image-'));
  const layer = join(folder, 'layer');
  await mkdir(layer);
  await cp(join(await installServers(), 'weed'), join(layer, 'weed'));
  await writeFile(join(layer, 'identities.json'), seaweedIdentities());
  const archive = join(folder, 's3.tar');
  const options = [
    ...seaweedOptions('/data', '/identities.json'),
    '-ip=127.0.0.1',
    '-ip.bind=0.0.0.0',
    '-s3.port=8333',
  ];
  packImage({ tag: 'forebay.test/s3:dev', layers: [layer], config: { Entrypoint: ['/weed', ...options] } }, archive);
  await loadImage(archive);
  await rm(folder, { recursive: true });
}

if (import.meta.main) {
  await startS3InCluster();
  console.log(s3InCluster.endpoint);
}
