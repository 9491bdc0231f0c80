/**
 * A small controller runtime, in the terms of client-go and controller-runtime. It knows nothing of any product's
 * kinds, and importing it starts nothing and loads no client library.
 */
export * from './client.ts';
export * from './clock.ts';
export * from './conditions.ts';
export * from './connection.ts';
export * from './controller.ts';
export * from './core.ts';
export * from './errors.ts';
export * from './events.ts';
export * from './health.ts';
export * from './leader.ts';
export * from './logger.ts';
export * from './manager.ts';
export * from './metrics.ts';
export * from './objects.ts';
export * from './predicates.ts';
export * from './reflector.ts';
export * from './sources.ts';
export * from './store.ts';
export * from './workqueue.ts';
