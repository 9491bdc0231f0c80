import { expect, test } from 'vitest';
import type { PodTemplate } from '../api/types.gen.ts';
import { exampleBatch, exampleInstallation } from './examples.ts';
import { mergePodTemplates, podTemplateSpec } from './pod.ts';

function pod(podTemplates: (PodTemplate | undefined)[] = []) {
  return podTemplateSpec({
    resource: exampleBatch(),
    verb: 'plan',
    installation: exampleInstallation,
    podTemplates,
    task: 'day-1-plan-1',
    projections: [{ secret: { name: 'lake-key' } }],
    terminationGracePeriodSeconds: 30,
    restartPolicy: 'Never',
  });
}

test('a pod satisfies the restricted standard and has no token', () => {
  const { spec } = pod();
  expect(spec).toMatchObject({
    automountServiceAccountToken: false,
    securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
  });
  expect(spec?.containers[0]?.securityContext).toEqual({
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
  });
  expect(spec?.volumes?.find(({ name }) => name === 'tmp')).toMatchObject({ emptyDir: { sizeLimit: '256Mi' } });
});

/** By name. */
function environment(templates: PodTemplate[]) {
  return new Map(pod(templates).spec?.containers[0]?.env?.map((variable) => [variable.name, variable]));
}

test('a container is told its CPU limit', () => {
  expect(environment([]).get('FOREBAY_CPU_LIMIT')?.valueFrom?.resourceFieldRef).toEqual({
    resource: 'limits.cpu',
    divisor: '1m',
  });
});

test('the heap follows the memory limit, wherever that is said', () => {
  const heap = (templates: PodTemplate[]) => environment(templates).get('NODE_OPTIONS')?.value;
  expect(heap([])).toBe('--max-old-space-size=576 --max-semi-space-size=16');
  expect(heap([{ spec: { resources: { limits: { memory: '2Gi' } } } }])).toBe(
    '--max-old-space-size=1190 --max-semi-space-size=16',
  );
  expect(heap([{ spec: { resources: { requests: { cpu: 1 } } } }])).toBeUndefined();
});

test('quantities written as numbers become text', () => {
  expect(pod([{ spec: { resources: { requests: { cpu: 1 } } } }]).spec?.containers[0]?.resources).toEqual({
    requests: { cpu: '1' },
  });
});

test('later templates override field by field, labels key by key', () => {
  const base: PodTemplate = {
    metadata: { labels: { a: '1', b: '1' } },
    spec: { nodeSelector: { disk: 'ssd' }, priorityClassName: 'low', tolerations: [{ key: 'x' }] },
  };
  const own: PodTemplate = { metadata: { labels: { b: '2' } }, spec: { nodeSelector: { arch: 'arm64' } } };
  expect(mergePodTemplates([base, undefined, own])).toEqual({
    metadata: { labels: { a: '1', b: '2' } },
    spec: { nodeSelector: { arch: 'arm64' }, priorityClassName: 'low', tolerations: [{ key: 'x' }] },
  });
});

test('labels that the operator finds its pods by cannot be taken away', () => {
  const labels = pod([{ metadata: { labels: { 'ingest.forebay.dev/name': 'other', team: 'web' } } }]).metadata?.labels;
  expect(labels).toMatchObject({
    'ingest.forebay.dev/installation': 'main',
    'ingest.forebay.dev/kind': 'Batch',
    'ingest.forebay.dev/name': 'day-1',
    'ingest.forebay.dev/verb': 'plan',
    'app.kubernetes.io/managed-by': 'forebay',
    team: 'web',
  });
});
