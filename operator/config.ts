/** What the operator can be told: flags, and for each an environment variable that stands in where the flag is absent. */
import { parseArgs } from 'node:util';
import type { PodResources } from './api/types.gen.ts';

export interface OperatorConfig {
  /** Empty: all namespaces. */
  readonly namespaces: readonly string[];
  /** Owns what it makes, in the cluster and in the bucket; a label value. */
  readonly installation: string;
  /** Of every ingestor pod. */
  readonly image: string;
  readonly imagePullPolicy: 'Always' | 'IfNotPresent' | 'Never';
  /** What ingestor pods get where podTemplate says nothing. */
  readonly resources: PodResources;
  readonly leaderElection: boolean;
  readonly leaseNamespace: string;
  readonly leaseName: string;
  /** Of this process; the pod's name. */
  readonly identity: string;
  readonly metricsHost: string;
  readonly metricsPort: number;
  readonly logLevel: LogLevel;
  /** Reconciles at once, of each kind. */
  readonly workers: number;
  /** How often running pods are asked for their progress. */
  readonly progressSeconds: number;
  /** How often inlets' pods are asked for their totals. */
  readonly inletReportSeconds: number;
  readonly maintainSeconds: number;
  /** How often a Dataset's ConfigMap is read. */
  readonly schemaRefreshSeconds: number;
  /** Kubernetes deletes finished Jobs after this time. */
  readonly jobTTLSeconds: number;
}

const logLevels = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof logLevels)[number];

interface Flag {
  readonly variable: string;
  readonly default?: string;
  readonly value: string;
  readonly help: string;
}

const flags = {
  namespace: {
    variable: 'FOREBAY_NAMESPACES',
    default: '',
    value: 'NAME,...',
    help: 'Namespaces to work in, with commas between. Empty: all',
  },
  installation: {
    variable: 'FOREBAY_INSTALLATION',
    default: 'forebay',
    value: 'NAME',
    help: 'Name of this installation: two that write to one bucket need two names',
  },
  image: { variable: 'FOREBAY_IMAGE', value: 'IMAGE', help: 'Image of the ingestor pods. Required' },
  'image-pull-policy': {
    variable: 'FOREBAY_IMAGE_PULL_POLICY',
    default: 'IfNotPresent',
    value: 'POLICY',
    help: 'Always, IfNotPresent or Never',
  },
  'ingestor-resources': {
    variable: 'FOREBAY_INGESTOR_RESOURCES',
    default: '{"requests":{"cpu":"100m","memory":"256Mi"},"limits":{"memory":"1Gi"}}',
    value: 'JSON',
    help: 'Requests and limits of ingestor pods where podTemplate says nothing',
  },
  'leader-election': {
    variable: 'FOREBAY_LEADER_ELECTION',
    default: 'true',
    value: 'BOOL',
    help: 'false: work without a lease, as only a single process may',
  },
  'lease-namespace': {
    variable: 'POD_NAMESPACE',
    default: 'default',
    value: 'NAME',
    help: "Namespace of the lease; the operator's own",
  },
  'lease-name': { variable: 'FOREBAY_LEASE_NAME', default: '', value: 'NAME', help: 'Empty: that of the installation' },
  identity: {
    variable: 'POD_NAME',
    default: '',
    value: 'NAME',
    help: "Name of this process in lease and events. Empty: the host's",
  },
  'metrics-address': {
    variable: 'FOREBAY_METRICS_ADDRESS',
    default: ':8081',
    value: 'HOST:PORT',
    help: 'Serves /metrics, /healthz and /readyz; no host: all addresses',
  },
  'log-level': { variable: 'FOREBAY_LOG_LEVEL', default: 'info', value: 'LEVEL', help: logLevels.join(', ') },
  workers: { variable: 'FOREBAY_WORKERS', default: '4', value: 'N', help: 'Reconciles at once, of each kind' },
  'progress-seconds': {
    variable: 'FOREBAY_PROGRESS_SECONDS',
    default: '5',
    value: 'N',
    help: 'How often running pods are asked for their progress',
  },
  'inlet-report-seconds': {
    variable: 'FOREBAY_INLET_REPORT_SECONDS',
    default: '30',
    value: 'N',
    help: 'How often the pods of inlets are asked for their totals',
  },
  'maintain-seconds': {
    variable: 'FOREBAY_MAINTAIN_SECONDS',
    default: '3600',
    value: 'N',
    help: 'How often a Dataset is maintained',
  },
  'schema-refresh-seconds': {
    variable: 'FOREBAY_SCHEMA_REFRESH_SECONDS',
    default: '300',
    value: 'N',
    help: 'How often the ConfigMap of a Dataset is read again',
  },
  'job-ttl-seconds': {
    variable: 'FOREBAY_JOB_TTL_SECONDS',
    default: '3600',
    value: 'N',
    help: 'Jobs that ended are deleted after this time',
  },
} as const satisfies Record<string, Flag>;

type FlagName = keyof typeof flags;

/** A flag or variable has a value that cannot be used; the message names it. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** Undefined when only help was asked for. Throws ConfigError. */
export function parseConfig(
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
  hostName: string,
): OperatorConfig | undefined {
  const given = parseFlags(args);
  if (given.help === true) return undefined;
  const text = (name: FlagName): string => {
    const flag: Flag = flags[name];
    const value = given[name] ?? environment[flag.variable] ?? flag.default;
    if (typeof value !== 'string') throw new ConfigError(`--${name} (or ${flag.variable}) is required`);
    return value;
  };
  const installation = labelValue('installation', text('installation'));
  return {
    namespaces: text('namespace')
      .split(',')
      .filter((name) => name !== ''),
    installation,
    image: text('image'),
    imagePullPolicy: oneOf('image-pull-policy', text('image-pull-policy'), [
      'Always',
      'IfNotPresent',
      'Never',
    ] as const),
    resources: resources(text('ingestor-resources')),
    leaderElection: oneOf('leader-election', text('leader-election'), ['true', 'false'] as const) === 'true',
    leaseNamespace: text('lease-namespace'),
    leaseName: text('lease-name') || `forebay-${installation}`.toLowerCase(),
    identity: text('identity') || hostName,
    ...address('metrics-address', text('metrics-address')),
    logLevel: oneOf('log-level', text('log-level'), logLevels),
    workers: atLeastOne('workers', text('workers')),
    progressSeconds: atLeastOne('progress-seconds', text('progress-seconds')),
    inletReportSeconds: atLeastOne('inlet-report-seconds', text('inlet-report-seconds')),
    maintainSeconds: atLeastOne('maintain-seconds', text('maintain-seconds')),
    schemaRefreshSeconds: atLeastOne('schema-refresh-seconds', text('schema-refresh-seconds')),
    jobTTLSeconds: atLeastOne('job-ttl-seconds', text('job-ttl-seconds')),
  };
}

export function helpText(): string {
  const rows = Object.entries(flags).map(([name, flag]: [string, Flag]) => {
    const rest = flag.default === undefined || flag.default === '' ? '' : `. Default: ${flag.default}`;
    return `  --${name} ${flag.value}\n      ${flag.help}${rest} (${flag.variable})`;
  });
  return `Runs the operator until SIGTERM. Reaches the cluster by KUBECONFIG, ~/.kube/config or the pod's service account.

Usage: forebay operator --image IMAGE [flags]

${rows.join('\n')}
  --help
`;
}

function parseFlags(args: readonly string[]): Record<string, string | boolean | undefined> {
  const options = Object.fromEntries(Object.keys(flags).map((name) => [name, { type: 'string' as const }]));
  try {
    return parseArgs({ args: [...args], options: { ...options, help: { type: 'boolean' } }, strict: true }).values;
  } catch (error) {
    throw new ConfigError(error instanceof Error ? error.message : String(error));
  }
}

function oneOf<const T extends string>(name: FlagName, value: string, allowed: readonly T[]): T {
  const found = allowed.find((candidate) => candidate === value);
  if (found === undefined) throw new ConfigError(`--${name} is ${value}; it must be one of ${allowed.join(', ')}`);
  return found;
}

function atLeastOne(name: FlagName, value: string): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number) || number < 1) {
    throw new ConfigError(`--${name} is ${value}; it must be a whole number of at least 1`);
  }
  return number;
}

function labelValue(name: FlagName, value: string): string {
  if (/^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/.test(value)) return value;
  throw new ConfigError(`--${name} is ${value}; it must be a label value: at most 63 letters, digits, - _ and .`);
}

function address(name: FlagName, value: string): Pick<OperatorConfig, 'metricsHost' | 'metricsPort'> {
  const [, host, port] = /^(.*):([0-9]{1,5})$/.exec(value) ?? [];
  if (port === undefined || Number(port) > 65535) throw new ConfigError(`--${name} is ${value}; it must be HOST:PORT`);
  return {
    metricsHost: host === undefined || host === '' ? '::' : host.replace(/^\[(.*)\]$/, '$1'),
    metricsPort: Number(port),
  };
}

function resources(value: string): PodResources {
  const name = 'ingestor-resources';
  const wrong = new ConfigError(`--${name} must be JSON like {"limits": {"memory": "1Gi"}}`);
  let parsed: unknown;
  try {
    parsed = JSON.parse(value);
  } catch {
    throw wrong;
  }
  if (!isQuantities(parsed)) throw wrong;
  return parsed;
}

function isQuantities(value: unknown): value is PodResources {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.entries(value).every(
    ([key, quantities]) =>
      (key === 'requests' || key === 'limits') &&
      typeof quantities === 'object' &&
      quantities !== null &&
      Object.values(quantities).every((quantity) => typeof quantity === 'string' || typeof quantity === 'number'),
  );
}
