/** The pod of every task and inlet: one container, `restricted`, without a token, with what podTemplate adds. */
import type {
  V1Container,
  V1PodTemplateSpec,
  V1Volume,
  V1VolumeMount,
  V1VolumeProjection,
} from '@kubernetes/client-node';
import { podLayout } from '../../ingestor/contract/task.ts';
import { labelNames, type Resource } from '../api/names.ts';
import type { PodTemplate, PodTemplateSpec } from '../api/types.gen.ts';
import type { Wire } from '../runtime/objects.ts';
import type { Installation } from './installation.ts';
import { taskFolder } from './place.ts';
import { heapOptions } from './quantity.ts';

export const containerName = 'ingestor';
export const taskKey = podLayout.taskFile.slice(taskFolder.length + 1);

/** Space for temporary files: decompression and uploads stream, so little is needed. */
const temporarySpace = '256Mi';

export interface PodInput {
  readonly resource: Resource;
  readonly verb: string;
  readonly installation: Installation;
  /** Of the Dataset, then of the resource itself: later ones override field by field. */
  readonly podTemplates: readonly (PodTemplate | undefined)[];
  /** Name of the ConfigMap that holds the task document. */
  readonly task: string;
  /** Beside the task document, in one volume. */
  readonly projections: readonly Wire<V1VolumeProjection>[];
  readonly volumes?: readonly (Wire<V1Volume> & { readonly mountPath: string })[];
  readonly container?: Pick<V1Container, 'ports' | 'readinessProbe' | 'livenessProbe' | 'startupProbe' | 'lifecycle'>;
  readonly terminationGracePeriodSeconds: number;
  readonly restartPolicy: 'Never' | 'Always';
}

export function podTemplateSpec(input: PodInput): Wire<V1PodTemplateSpec> {
  const { resource, verb, installation, restartPolicy, terminationGracePeriodSeconds } = input;
  const template = mergePodTemplates(input.podTemplates);
  const { resources, ...placement } = template.spec ?? {};
  return {
    metadata: {
      labels: { ...template.metadata?.labels, ...childLabels(resource, verb, installation) },
      ...(template.metadata?.annotations && { annotations: template.metadata.annotations }),
    },
    spec: {
      ...placement,
      restartPolicy,
      terminationGracePeriodSeconds,
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
      containers: [container(input, resources ?? installation.resources)],
      volumes: [taskVolume(input), { name: 'tmp', emptyDir: { sizeLimit: temporarySpace } }, ...ownVolumes(input)],
    },
  };
}

/** Labels, annotations and each field of the spec on their own: what a later template says, it says whole. */
export function mergePodTemplates(templates: readonly (PodTemplate | undefined)[]): PodTemplate {
  const merged = { labels: {}, annotations: {}, spec: {} satisfies PodTemplateSpec };
  for (const template of templates) {
    Object.assign(merged.labels, template?.metadata?.labels);
    Object.assign(merged.annotations, template?.metadata?.annotations);
    Object.assign(merged.spec, template?.spec);
  }
  const hasAnnotations = Object.keys(merged.annotations).length > 0;
  return {
    metadata: { labels: merged.labels, ...(hasAnnotations && { annotations: merged.annotations }) },
    spec: merged.spec,
  };
}

/** The operator's labels win over those of podTemplate: it finds its children by them. */
export function childLabels(resource: Resource, verb: string, installation: Installation): Record<string, string> {
  return { ...selectorLabels(resource, installation), ...commonLabels, [labelNames.verb]: verb };
}

const commonLabels = {
  'app.kubernetes.io/name': 'forebay',
  'app.kubernetes.io/component': 'ingestor',
  'app.kubernetes.io/managed-by': 'forebay',
};

/** What tells the children of a resource from all others; never changes. */
export function selectorLabels(resource: Resource, { installation }: Installation): Record<string, string> {
  return {
    [labelNames.installation]: installation,
    [labelNames.kind]: resource.kind,
    [labelNames.name]: resource.metadata.name,
  };
}

function container(input: PodInput, resources: NonNullable<PodTemplateSpec['resources']>): Wire<V1Container> {
  const heap = heapOptions(resources.limits?.memory);
  return {
    ...input.container,
    name: containerName,
    image: input.installation.image,
    imagePullPolicy: input.installation.imagePullPolicy,
    command: ['node', '/app/main.js', input.verb],
    env: [
      // The runtime does not see the limit where containers have version 1 of control groups.
      { name: podLayout.cpuLimit, valueFrom: { resourceFieldRef: { resource: 'limits.cpu', divisor: '1m' } } },
      // In place of the image's own, which goes by a share of what the runtime sees.
      ...(heap === undefined ? [] : [{ name: 'NODE_OPTIONS', value: heap.join(' ') }]),
    ],
    resources: quantities(resources),
    terminationMessagePath: podLayout.terminationLog,
    terminationMessagePolicy: 'File',
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    },
    volumeMounts: mounts(input),
  };
}

function mounts(input: PodInput): V1VolumeMount[] {
  return [
    { name: 'task', mountPath: taskFolder, readOnly: true },
    { name: 'tmp', mountPath: '/tmp' },
    ...(input.volumes ?? []).map(({ name, mountPath }) => ({ name, mountPath, readOnly: true })),
  ];
}

function taskVolume({ task, projections }: PodInput): Wire<V1Volume> {
  const document = { configMap: { name: task, items: [{ key: taskKey, path: taskKey }] } };
  return { name: 'task', projected: { sources: [document, ...projections] } };
}

function ownVolumes(input: PodInput): Wire<V1Volume>[] {
  return (input.volumes ?? []).map(({ mountPath: _, ...volume }) => volume);
}

/** Numbers are allowed where text is written: `cpu: 1`. */
function quantities(resources: NonNullable<PodTemplateSpec['resources']>): Wire<V1Container>['resources'] {
  const asText = (values: Record<string, string | number>) =>
    Object.fromEntries(Object.entries(values).map(([name, quantity]) => [name, String(quantity)]));
  return {
    ...(resources.requests && { requests: asText(resources.requests) }),
    ...(resources.limits && { limits: asText(resources.limits) }),
  };
}
