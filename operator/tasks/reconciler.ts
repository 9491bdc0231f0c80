import { labelNames, type Resource } from '../api/names.ts';
import {
  type Informer,
  isNamespaceTerminating,
  isNotFound,
  type ObjectKey,
  type Reconcile,
  type ReconcileContext,
  type ReconcileResult,
} from '../runtime/index.ts';
import type { OperatorContext } from './context.ts';

export interface Reconciler<T extends Resource> {
  readonly resources: Informer<T>;
  readonly reconcile: (resource: T, context: ReconcileContext) => Promise<ReconcileResult>;
  /** Of a resource that is being deleted; absent: its children go by themselves. */
  readonly release?: (resource: T, context: ReconcileContext) => Promise<ReconcileResult>;
  /** A resource that is not there any more. */
  readonly forget?: (key: ObjectKey) => void;
}

/**
 * What all kinds begin with: the resource as it was last read or written. One that is labelled for another installation
 * is that one's; in a namespace that goes nothing is to be done.
 */
export function reconciler<T extends Resource>(
  { config, ownWrites }: Pick<OperatorContext, 'config' | 'ownWrites'>,
  { resources, reconcile, release, forget }: Reconciler<T>,
): Reconcile {
  return async (key, context) => {
    const cached = resources.store.get(key);
    if (cached === undefined) return forget?.(key);
    const installation = cached.metadata.labels?.[labelNames.installation];
    if (installation !== undefined && installation !== config.installation) return;
    const resource = ownWrites.newest(cached);
    const step = resource.metadata.deletionTimestamp === undefined ? reconcile : release;
    try {
      return await step?.(resource, context);
    } catch (error) {
      if (!isNamespaceGone(error)) throw error;
      context.log.info({}, 'the namespace is being deleted: nothing is made in it any more');
    }
  };
}

function isNamespaceGone(error: unknown): boolean {
  return isNamespaceTerminating(error) || (isNotFound(error) && /\bnamespaces "[^"]*" not found/.test(error.message));
}
