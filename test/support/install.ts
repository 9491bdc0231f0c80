/** Forebay on the test cluster: for end-to-end tests, the demo and benchmarks. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { helm, kubectl, loadImage } from './cluster.ts';

const project = join(import.meta.dirname, '..', '..');
const archive = join(project, 'dist', 'image.tar');

export const operatorNamespace = 'forebay-system';

/** Loads the image that `make image` made and installs the chart with it, or upgrades to it; gives when the operator
 * is ready. `values`: more of the chart's, as `helm --set` takes them. */
export async function installForebay(values: string[] = []): Promise<void> {
  await loadImage(archive);
  const digest = createHash('sha256').update(readFileSync(archive)).digest('hex').slice(0, 16);
  const set = ['image.repository=forebay.test/forebay', 'image.tag=dev', 'image.pullPolicy=IfNotPresent', ...values];
  // The tag stays, so that only this tells the operator's Deployment of a new image.
  const options = [
    ...set.flatMap((value) => ['--set', value]),
    '--set-string',
    `operator.podAnnotations.image=${digest}`,
  ];
  const place = ['--namespace', operatorNamespace, '--create-namespace', '--take-ownership'];
  const wait = ['--wait', '--timeout', '120s'];
  const chart = join(project, 'charts', 'forebay');
  await helm(['upgrade', '--install', 'forebay', chart, ...place, ...wait, ...options]).catch(
    async (cause: unknown) => {
      throw new Error(`Forebay did not become ready:\n${await describeOperator()}`, { cause });
    },
  );
}

/** What a person would look at when the operator is not ready. */
async function describeOperator(): Promise<string> {
  const pods = await kubectl(['get', 'pods', '--namespace', operatorNamespace]);
  const logs = kubectl(['logs', 'deployment/forebay', '--tail=30', '--namespace', operatorNamespace]);
  return `${pods}\n${await logs.catch(String)}`;
}
