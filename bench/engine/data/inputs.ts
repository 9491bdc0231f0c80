import { eventsCsv, eventsJsonLines } from './events.ts';
import type { BenchInput } from './input.ts';
import { shapes } from './shapes.ts';

const all: readonly BenchInput[] = [
  eventsCsv('events-csv', 0.01),
  eventsJsonLines('events-jsonl', 0.01),
  ...shapes,
  eventsCsv('allbad-csv', 1),
  eventsJsonLines('allbad-jsonl', 1),
];

export function inputNamed(name: string): BenchInput {
  const input = all.find((one) => one.name === name);
  if (!input) throw new Error(`there is no input ${name}; there are ${all.map((one) => one.name).join(', ')}`);
  return input;
}
