/** What a StreamInlet is made of: pods behind a Deployment, a Service of its name, and a budget from two pods on. */
import type { V1Probe, V1Volume } from '@kubernetes/client-node';
import { type Authentication, documentVersion, type InletTask, podLayout } from '../../ingestor/contract/task.ts';
import { childName, inletID } from '../api/names.ts';
import type { Dataset, PodTemplate, StreamInlet } from '../api/types.gen.ts';
import type { ConfigMap, Deployment, PodDisruptionBudget, Service } from '../runtime/core.ts';
import type { Wire } from '../runtime/objects.ts';
import { digestOf } from './canonical.ts';
import type { DatasetPlace } from './dataset.ts';
import type { Installation } from './installation.ts';
import { childLabels, mergePodTemplates, podTemplateSpec, selectorLabels, taskKey } from './pod.ts';
import { ownedBy } from './task.ts';

export interface InletChildren {
  readonly configMap: ConfigMap;
  readonly deployment: Deployment;
  readonly service: Service;
  /** Absent below two replicas, where it would hold up every drain. */
  readonly budget?: PodDisruptionBudget;
}

/** A sender's last requests are answered: longer than a segment may wait and be written. */
const graceSeconds = 60;
/** The end of a pod reaches its senders' proxies a little later than the pod: until then it still answers. */
const drainSeconds = 5;

export function inletChildren(
  inlet: StreamInlet,
  dataset: Dataset,
  place: DatasetPlace,
  installation: Installation,
): InletChildren {
  const configMap = inletConfigMap(inlet, inletDocument(inlet, place, keyFolder), installation);
  const budget = inlet.spec.replicas < 2 ? undefined : inletBudget(inlet, installation);
  return {
    configMap,
    deployment: inletDeployment(inlet, dataset, place, configMap.metadata.name, installation),
    service: inletService(inlet, installation),
    ...(budget && { budget }),
  };
}

/** `folderOf`: where the keys of the n-th way to be let in are. */
export function inletDocument(
  inlet: StreamInlet,
  { target }: Pick<DatasetPlace, 'target'>,
  folderOf: (index: number) => string,
): InletTask {
  const { metadata, spec } = inlet;
  const { namespace, name } = metadata;
  const authentication = spec.authentication.map(
    (way, index): Authentication => (way.apiKey ? { apiKey: { path: folderOf(index) } } : { anonymous: {} }),
  );
  return {
    version: documentVersion,
    verb: 'inlet',
    dataset: target,
    inlet: { namespace, name, id: inletID(namespace, name) },
    authentication,
    envelope: spec.envelope,
    validation: spec.validation,
    mapping: spec.mapping ?? [],
    limits: spec.limits,
    durability: spec.durability,
    commit: spec.commit,
    port: podLayout.inletPort,
  };
}

/** Named by its content, so that a change of it is a change of the Deployment, which rolls. */
function inletConfigMap(inlet: StreamInlet, document: InletTask, installation: Installation): ConfigMap {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name: childName(inlet, 'inlet', digestOf(document)),
      namespace: inlet.metadata.namespace,
      labels: childLabels(inlet, 'inlet', installation),
      ownerReferences: [ownedBy(inlet)],
    },
    immutable: true,
    data: { [taskKey]: JSON.stringify(document) },
  };
}

export function deploymentName(inlet: StreamInlet): string {
  return childName(inlet, 'inlet', '');
}

function inletDeployment(
  inlet: StreamInlet,
  dataset: Dataset,
  place: DatasetPlace,
  task: string,
  installation: Installation,
): Deployment {
  const selector = selectorLabels(inlet, installation);
  const podTemplates = [dataset.spec.podTemplate, inlet.spec.podTemplate, spreadByDefault(inlet, dataset, selector)];
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {
      name: deploymentName(inlet),
      namespace: inlet.metadata.namespace,
      labels: { ...mergePodTemplates(podTemplates).metadata?.labels, ...childLabels(inlet, 'inlet', installation) },
      ownerReferences: [ownedBy(inlet)],
    },
    spec: {
      replicas: inlet.spec.replicas,
      selector: { matchLabels: selector },
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
      template: podTemplateSpec({
        resource: inlet,
        verb: 'inlet',
        installation,
        podTemplates,
        task,
        projections: place.projections,
        volumes: keyVolumes(inlet),
        container: {
          ports: [
            { name: 'http', containerPort: podLayout.inletPort },
            { name: 'status', containerPort: podLayout.statusPort },
          ],
          startupProbe: probe('/readyz', { periodSeconds: 1, failureThreshold: 60 }),
          readinessProbe: probe('/readyz', { periodSeconds: 5, failureThreshold: 2 }),
          livenessProbe: probe('/healthz', { periodSeconds: 10, failureThreshold: 6 }),
          lifecycle: { preStop: { sleep: { seconds: drainSeconds } } },
        },
        terminationGracePeriodSeconds: graceSeconds,
        restartPolicy: 'Always',
      }),
    },
  };
}

/** Over nodes where that is possible, unless a podTemplate says how. */
function spreadByDefault(
  inlet: StreamInlet,
  dataset: Dataset,
  matchLabels: Record<string, string>,
): PodTemplate | undefined {
  const said = [dataset, inlet].some(({ spec }) => spec.podTemplate?.spec?.topologySpreadConstraints !== undefined);
  if (said || inlet.spec.replicas < 2) return undefined;
  return {
    spec: {
      topologySpreadConstraints: [
        {
          maxSkew: 1,
          topologyKey: 'kubernetes.io/hostname',
          whenUnsatisfiable: 'ScheduleAnyway',
          labelSelector: { matchLabels },
        },
      ],
    },
  };
}

function keyFolder(index: number): string {
  return `/var/run/forebay/keys/${index}`;
}

function keyVolumes(inlet: StreamInlet): (Wire<V1Volume> & { mountPath: string })[] {
  return inlet.spec.authentication.flatMap(({ apiKey }, index) =>
    apiKey
      ? [{ name: `keys-${index}`, mountPath: keyFolder(index), secret: { secretName: apiKey.secretRef.name } }]
      : [],
  );
}

function probe(path: string, timing: Pick<V1Probe, 'periodSeconds' | 'failureThreshold'>): V1Probe {
  return { httpGet: { path, port: podLayout.statusPort }, timeoutSeconds: 5, ...timing };
}

function inletService(inlet: StreamInlet, installation: Installation): Service {
  const { type, annotations } = inlet.spec.service;
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name: inlet.metadata.name,
      namespace: inlet.metadata.namespace,
      labels: childLabels(inlet, 'inlet', installation),
      ...(annotations && { annotations }),
      ownerReferences: [ownedBy(inlet)],
    },
    spec: {
      type,
      selector: selectorLabels(inlet, installation),
      ports: [{ name: 'http', port: 80, targetPort: 'http', protocol: 'TCP', appProtocol: 'http' }],
    },
  };
}

function inletBudget(inlet: StreamInlet, installation: Installation): PodDisruptionBudget {
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: {
      name: deploymentName(inlet),
      namespace: inlet.metadata.namespace,
      labels: childLabels(inlet, 'inlet', installation),
      ownerReferences: [ownedBy(inlet)],
    },
    spec: {
      maxUnavailable: 1,
      selector: { matchLabels: selectorLabels(inlet, installation) },
      unhealthyPodEvictionPolicy: 'AlwaysAllow',
    },
  };
}

/** Where to send: within the cluster, and by the addresses a load balancer got. */
export function inletURLs(inlet: StreamInlet, addresses: readonly string[]): string[] {
  const { namespace, name } = inlet.metadata;
  return [`${name}.${namespace}.svc`, ...addresses].map((host) => `http://${host}/collection/${namespace}/${name}`);
}

/** As text, for the scale subresource. */
export function selectorText(inlet: StreamInlet, installation: Installation): string {
  return Object.entries(selectorLabels(inlet, installation))
    .map(([name, value]) => `${name}=${value}`)
    .join(',');
}
