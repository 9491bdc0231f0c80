/**
 * An inlet as a process of its own, so that tests can kill it: `node inlet-process.ts TASK_FILE SETTINGS_JSON`. Tells its
 * ports on standard output and ends with the exit code a pod would have.
 */
import { readFileSync } from 'node:fs';
import { parseDocument } from '../../../ingestor/contract/documents.ts';
import { systemClock, systemRandom } from '../../../ingestor/contract/environment.ts';
import { toForebayError } from '../../../ingestor/contract/errors.ts';
import { InletTask } from '../../../ingestor/contract/task.ts';
import { type InletEnvironment, runInlet } from '../../../ingestor/inlet/main.ts';
import { openStore } from '../../../ingestor/store/open.ts';
import { openLog } from '../../../ingestor/tasks/log.ts';

const [taskFile = '', settings = '{}'] = process.argv.slice(2);
const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());

const waiting = { clock: systemClock, random: systemRandom, signal: stop.signal };
const environment: InletEnvironment = {
  ...waiting,
  log: openLog('inlet'),
  openStore: async (location) => await openStore(location, { ...waiting, log: openLog('inlet') }),
  settings: JSON.parse(settings),
  listening: (ports) => console.log(JSON.stringify(ports)),
};

try {
  const task = parseDocument(InletTask, readFileSync(taskFile, 'utf8'), 'the task', 'InvalidTask');
  await runInlet(task, environment);
  process.exit(0);
} catch (thrown) {
  const error = toForebayError(thrown);
  console.error(`${error.code}: ${error.message}`);
  process.exit(error.exitCode);
}
