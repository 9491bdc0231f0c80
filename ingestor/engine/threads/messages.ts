/** What threads say to each other. Bytes are handed over, not copied. */
import type { DataFile, EngineSettings } from '../engine.ts';
import type { Outcome } from '../intake.ts';

/** What a thread needs to know to read blocks: all settings but the functions. */
export type ThreadSettings = Pick<
  EngineSettings,
  'schema' | 'read' | 'compression' | 'layout' | 'targetFileSizeBytes' | 'plain'
>;

/** Whole records that stand at `offset` of their file. */
export interface Block {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly offset: number;
  /** Of CSV: the names of the fields. */
  readonly columns?: readonly string[] | undefined;
}

export type ToThread =
  | { readonly type: 'block'; readonly block: Block }
  | { readonly type: 'answer'; readonly call: number; readonly bytes: number; readonly failed: boolean }
  | { readonly type: 'finish' };

/** Calls of sinks, which the main thread has, are answered in any order. */
export type SinkCall =
  | { readonly does: 'open'; readonly sink: number }
  | { readonly does: 'write'; readonly sink: number; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly does: 'complete'; readonly sink: number }
  | { readonly does: 'abort'; readonly sink: number };

export type FromThread =
  /** Of the blocks in the order in which they came. */
  | { readonly type: 'outcome'; readonly outcome: Outcome }
  | { readonly type: 'call'; readonly call: number; readonly sink: SinkCall }
  /** The keys of the files are the numbers of their sinks. */
  | { readonly type: 'finished'; readonly files: readonly DataFile[] }
  | { readonly type: 'failed'; readonly code?: string | undefined; readonly message: string };
