/**
 * One request of a sender, from its head to its answer. A record is answered with 200 once its segment is durable;
 * every other answer says what to do: mend the request (4xx), or send it again later (429, 503).
 */
import type { IncomingMessage } from 'node:http';
import type { Log } from '../contract/environment.ts';
import { toForebayError } from '../contract/errors.ts';
import type { InletTask } from '../contract/task.ts';
import type { Authenticator } from './authentication.ts';
import { noRoom, readText } from './body.ts';
import { type InFlight, type RateLimit, Reservation } from './limits.ts';
import { type AcceptedMessage, isRefused, type Message, parseLines, parseMessage, parseMessages } from './messages.ts';
import type { InletMetrics } from './metrics.ts';
import { type Answer, invalidRecord, later, problem, type Reason } from './problem.ts';
import { type Call, findCall, findTarget, type Routes } from './routes.ts';
import type { Place, SegmentQueue } from './segment-queue.ts';

export interface CollectionParts {
  readonly task: Pick<InletTask, 'inlet' | 'envelope' | 'validation' | 'limits'>;
  readonly routes: Routes;
  readonly authenticator: Authenticator;
  readonly rateLimit: RateLimit | undefined;
  readonly inFlight: InFlight;
  readonly queue: Pick<SegmentQueue, 'append' | 'silence'>;
  readonly metrics: InletMetrics;
  readonly log: Log;
  /** Most messages of one request: the answer has a member for each. */
  readonly maxMessages: number;
  /** The store owes an answer for so long: nothing more is taken. */
  readonly silentMilliseconds: number;
  now(): number;
  /** Why the text is no record of the schema; empty when it is one. */
  check(text: string): readonly Reason[];
}

/** Undefined when the sender went away. `startBody` is called right before the body is read. */
export async function collect(
  parts: CollectionParts,
  request: IncomingMessage,
  startBody: () => void,
): Promise<Answer | undefined> {
  const call = await admit(parts, request);
  if ('status' in call) return call;
  const reservation = new Reservation(parts.inFlight);
  try {
    if (!reservation.resize(Number(request.headers['content-length'] ?? 0))) return noRoom();
    startBody();
    const text = await readText(request, call.coding, parts.task.limits.maxRequestBytes, reservation);
    if (typeof text !== 'string') return text;
    return await take(parts, call, text);
  } finally {
    reservation.release();
  }
}

/** What can be told from the head: cheap checks first, so that a flood costs little. */
async function admit(parts: CollectionParts, request: IncomingMessage): Promise<Call | Answer> {
  const target = findTarget(parts.routes, request);
  if ('status' in target) return target;
  const refusal = await parts.authenticator.refuse(request.headers);
  if (refusal) return refusal;
  const wait = parts.rateLimit?.take() ?? 0;
  if (wait > 0) return later(429, 'TooManyRequests', 'The inlet takes no more requests a second.', wait);
  if (parts.queue.silence() > parts.silentMilliseconds) {
    return later(503, 'StoreUnavailable', 'The store does not answer at the moment.', 5);
  }
  return findCall(target, request, parts.task.limits.maxRequestBytes);
}

async function take(parts: CollectionParts, call: Call, text: string): Promise<Answer> {
  const receivedTimeMs = parts.now();
  const { envelope, limits } = parts.task;
  const rules = { envelope, maxRecordBytes: limits.maxRecordBytes };
  const isSync = call.syncValidation || parts.task.validation === 'Sync';
  if (call.shape === 'Message') return await takeOne(parts, parseMessage(text, rules), isSync, receivedTimeMs);
  const messages = call.shape === 'Messages' ? parseMessages(text, rules) : parseLines(text, rules);
  if (!Array.isArray(messages)) return problem(400, 'InvalidBatch', messages.message);
  if (messages.length > parts.maxMessages) {
    return problem(413, 'TooManyMessages', `A request must not hold more than ${parts.maxMessages} messages.`);
  }
  return await takeAll(parts, isSync ? messages.map((message) => checked(parts, message)) : messages, receivedTimeMs);
}

async function takeOne(
  parts: CollectionParts,
  message: Message,
  isSync: boolean,
  receivedTimeMs: number,
): Promise<Answer> {
  if (isRefused(message)) {
    return problem(
      message.statusCode,
      message.statusCode === 413 ? 'RecordTooLarge' : 'InvalidMessage',
      message.message,
    );
  }
  const reasons = isSync ? parts.check(message.text) : [];
  if (reasons.length > 0) return invalidRecord(parts.task.inlet.id, reasons);
  const place = await makeDurable(parts, [message]);
  if ('status' in place) return place;
  const { writer, sequence, index } = place;
  return {
    status: 200,
    body: {
      inletId: parts.task.inlet.id,
      xactionId: `${receivedTimeMs}:${writer}:${sequence}:${index}`,
      receivedTimeMs,
      syncValidation: isSync ? { status: 'pass' } : { skipped: true },
    },
  };
}

/** Answered in the order of the messages: good ones are taken, whatever the others are. */
async function takeAll(parts: CollectionParts, messages: readonly Message[], receivedTimeMs: number): Promise<Answer> {
  const accepted = messages.flatMap((message) => (isRefused(message) ? [] : [message]));
  const place = accepted.length === 0 ? nowhere : await makeDurable(parts, accepted);
  if ('status' in place) return place;
  const batchId = `${receivedTimeMs}:${place.writer}:${place.sequence}`;
  let index = place.index;
  const responses = messages.map((message) => {
    if (isRefused(message)) return { statusCode: message.statusCode, message: message.message };
    const xactionId = `${batchId}:${index}`;
    index += 1;
    return { xactionId };
  });
  return { status: 207, body: { inletId: parts.task.inlet.id, batchId, receivedTimeMs, responses } };
}

const nowhere: Place = { writer: 'none', sequence: 0, index: 0 };

function checked(parts: CollectionParts, message: Message): Message {
  const [first, ...others] = isRefused(message) ? [] : parts.check(message.text);
  if (first === undefined) return message;
  const more = others.length === 0 ? '' : ` (and ${others.length} more)`;
  return { statusCode: 400, message: `${first.code} at #${first.path}: ${first.message}${more}` };
}

async function makeDurable(parts: CollectionParts, messages: readonly AcceptedMessage[]): Promise<Place | Answer> {
  const lines = Buffer.from(messages.map(({ text }) => `${text}\n`).join(''));
  try {
    const place = await parts.queue.append(lines, messages.length);
    parts.metrics.countRecords(messages.length, lines.length);
    return place;
  } catch (thrown) {
    const { code } = toForebayError(thrown);
    parts.log.debug({ code }, 'records not durable');
    return later(503, code, 'The records could not be made durable; send them again.', 5);
  }
}
