/** The operator as a process: its flags, its log, its connection to the cluster. */
import { hostname } from 'node:os';
import { pino } from 'pino';
import { fieldManager } from './api/names.ts';
import { ConfigError, helpText, type OperatorConfig, parseConfig } from './config.ts';
import { crdProblem } from './crd-version.ts';
import { createOperator } from './operator.ts';
import { Client, defaultConnection, type Logger, Registry, runUntilSignal, systemClock } from './runtime/index.ts';

/** Until SIGTERM. Answers the exit code: 0 after a clean stop, 2 for wrong flags, else 1. */
export async function main(argv: readonly string[]): Promise<number> {
  let config: OperatorConfig | undefined;
  try {
    config = parseConfig(argv, process.env, hostname());
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\nforebay operator --help says more.\n`);
    return 2;
  }
  if (config === undefined) {
    process.stdout.write(helpText());
    return 0;
  }
  const log = openLog(config);
  try {
    return await run(config, log);
  } catch (error) {
    log.error({ error: error instanceof Error ? error.message : String(error) }, 'the operator cannot start');
    return 1;
  }
}

/** How long the API server may take to answer at the start. */
const startMilliseconds = 60_000;

async function run(config: OperatorConfig, log: Logger): Promise<number> {
  const clock = systemClock();
  const metrics = new Registry();
  const requests = metrics.counter({
    name: 'rest_client_requests_total',
    help: 'Requests to the API server, by method and status code',
  });
  const connection = await defaultConnection(clock);
  const client = new Client({ connection, clock, fieldManager, userAgent: 'forebay-operator', requests });
  const problem = await crdProblem(client, log, AbortSignal.timeout(startMilliseconds));
  if (problem !== undefined) {
    log.error({ problem }, 'the operator cannot work with the CRDs of this cluster');
    return 1;
  }
  const namespaces = config.namespaces.length === 0 ? 'all' : config.namespaces;
  log.info({ namespaces, image: config.image }, 'operator starts');
  return await runUntilSignal(createOperator(config, { client, clock, log, metrics }), log);
}

/** JSON lines on standard error. */
function openLog({ logLevel, installation }: OperatorConfig): Logger {
  const settings = {
    level: logLevel,
    base: { installation },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (level: string) => ({ level }) },
  };
  return pino(settings, pino.destination({ dest: 2, sync: true }));
}
