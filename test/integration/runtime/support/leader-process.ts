/** A process that wants to lead: `node leader-process.ts NAMESPACE LEASE IDENTITY`. Prints what becomes of it, a word a line. */
import {
  Client,
  defaultConnection,
  Manager,
  Registry,
  runUntilSignal,
  silentLogger,
  systemClock,
} from '../../../../operator/runtime/index.ts';

const [namespace = '', name = '', identity = ''] = process.argv.slice(2);
const clock = systemClock();
const client = new Client({ connection: await defaultConnection(clock), clock, fieldManager: identity });
const manager = new Manager({
  client,
  clock,
  log: silentLogger,
  metrics: new Registry(),
  leader: { namespace, name, identity, leaseDurationSeconds: 5, renewDeadlineSeconds: 3, retryPeriodSeconds: 0.5 },
});
manager.add({
  name: 'work',
  run: async (signal) => {
    console.log('leading');
    await clock.sleep(2 ** 40, signal).catch(() => {});
    console.log('stopping');
  },
});
console.log('started');
process.exit(await runUntilSignal(manager, silentLogger));
