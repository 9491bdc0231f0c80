/** Answers of the inlet, and those that say no: problem details (RFC 9457). */
import { STATUS_CODES } from 'node:http';

export interface Answer {
  readonly status: number;
  readonly body: object;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Extra members a problem may carry. */
export interface ProblemDetails {
  readonly title?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly members?: object;
}

/** `code` is stable and for programs, `detail` for people; no record content in either. */
export function problem(status: number, code: string, detail: string, details: ProblemDetails = {}): Answer {
  return {
    status,
    body: {
      type: `urn:forebay:inlet:${code}`,
      title: details.title ?? STATUS_CODES[status] ?? code,
      status,
      detail,
      ...details.members,
    },
    headers: { 'Content-Type': 'application/problem+json', ...details.headers },
  };
}

/** No now, yes later: the sender tries again after some seconds, and longer each time. */
export function later(status: 429 | 503, code: string, detail: string, seconds: number): Answer {
  return problem(status, code, detail, { headers: { 'Retry-After': String(Math.max(1, Math.ceil(seconds))) } });
}

/** One reason why a record is refused; `path` is a JSON pointer into it. */
export interface Reason {
  readonly code: string;
  readonly path: string;
  readonly message: string;
}

/** In the shape that clients of the reference platform know from synchronous validation. */
export function invalidRecord(inletID: string, reasons: readonly Reason[]): Answer {
  const causes = reasons.map(({ code, path, message }) => ({
    schemaLocation: '#',
    pointerToViolation: `#${path}`,
    causingExceptions: [],
    keyword: code,
    message,
  }));
  const cause = causes.length === 1 ? causes[0] : summary(causes);
  const report = {
    message: `inletId: [${inletID}] Message is invalid`,
    cause: { _streamingValidation: [cause] },
  };
  const detail = 'The record breaks the schema of the dataset; it was not taken.';
  return problem(400, 'InvalidRecord', detail, { title: 'Invalid Message Format', members: { report } });
}

function summary(causes: readonly object[]): object {
  return {
    schemaLocation: '#',
    pointerToViolation: '#',
    causingExceptions: causes,
    message: `${causes.length} schema violations found`,
  };
}
