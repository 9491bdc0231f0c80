/** Trials that once failed, as small as they could be made. */
import type { KeptTrial } from './kept.ts';

export const seeds: readonly KeptTrial[] = [];
