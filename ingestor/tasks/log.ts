import { pino } from 'pino';
import type { Log } from '../contract/environment.ts';
import type { Verb } from '../contract/task.ts';

/** JSON lines on standard error, written at once: nothing is lost when the process ends. */
export function openLog(verb: Verb): Log {
  const settings = {
    level: process.env.FOREBAY_LOG_LEVEL ?? 'info',
    base: { verb },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (level: string) => ({ level }) },
  };
  return pino(settings, pino.destination({ dest: 2, sync: true }));
}
