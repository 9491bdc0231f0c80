import type { PodResources } from '../api/types.gen.ts';

/** What specs need to know of the installation; part of the operator's configuration. */
export interface Installation {
  /** Name of the installation. */
  readonly installation: string;
  readonly image: string;
  readonly imagePullPolicy: 'Always' | 'IfNotPresent' | 'Never';
  /** Where podTemplate says nothing. */
  readonly resources: PodResources;
  readonly jobTTLSeconds: number;
}
