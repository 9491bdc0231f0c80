import { ApiError, isNamespaceTerminating } from '../runtime/index.ts';
import type { Note } from './pods.ts';

/** Something in the way of a reconcile that a person must remove; it is told in the conditions and looked at again. */
export class Obstacle extends Error implements Note {
  readonly reason: string;
  constructor(reason: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'Obstacle';
    this.reason = reason;
  }
}

/** Quotas, admission policies and missing rights (403) and broken rules (422) refuse what is made; all else is an error. */
export function asObstacle(error: unknown): Obstacle | undefined {
  if (error instanceof Obstacle) return error;
  if (!(error instanceof ApiError)) return undefined;
  const { message, status } = error;
  if (isNamespaceTerminating(error)) return undefined;
  const isRefusal = status.code === 403 || status.code === 422;
  return isRefusal ? new Obstacle('Forbidden', message, { cause: error }) : undefined;
}
