/** Which small files are worth to become one. */
import type { PartitionValue } from '../contract/layout.ts';

export interface SmallFile {
  readonly key: string;
  readonly rows: number;
  readonly bytes: number;
  readonly partition?: readonly PartitionValue[];
  /** Files that do not share it are not put together: the day of the newest row, where rows expire. */
  readonly apart?: number;
}

/** Files of one partition that become one file, or few. */
export type Group = readonly SmallFile[];

export interface GroupLimits {
  readonly files: number;
  readonly bytes: number;
  /** Fewest files that are worth it, unless they fill a file. */
  readonly smallest: number;
}

/** A file of this share of the target is large enough to be left alone. */
const largeShare = 0.75;

export function isSmall(bytes: number, targetFileSizeBytes: number): boolean {
  return bytes < largeShare * targetFileSizeBytes;
}

/** Those that save most files first, within the limits. */
export function chooseGroups(files: readonly SmallFile[], targetFileSizeBytes: number, limits: GroupLimits): Group[] {
  const groups = [...byPartition(files).values()]
    .flatMap((some) => packPartition(some, targetFileSizeBytes, limits))
    .sort((a, b) => b.length - a.length);
  const chosen: Group[] = [];
  let left = { files: limits.files, bytes: limits.bytes };
  for (const group of groups) {
    const bytes = bytesOf(group);
    if (group.length > left.files || bytes > left.bytes) continue;
    left = { files: left.files - group.length, bytes: left.bytes - bytes };
    chosen.push(group);
  }
  return chosen;
}

function byPartition(files: readonly SmallFile[]): Map<string, SmallFile[]> {
  const partitions = new Map<string, SmallFile[]>();
  for (const file of files) {
    const name = JSON.stringify([file.partition ?? [], file.apart ?? null]);
    const some = partitions.get(name);
    if (some === undefined) partitions.set(name, [file]);
    else some.push(file);
  }
  return partitions;
}

/** Smallest first, as many as one file holds. */
function packPartition(files: readonly SmallFile[], target: number, limits: GroupLimits): Group[] {
  const most = Math.min(target, limits.bytes);
  const sorted = [...files].sort((a, b) => a.bytes - b.bytes || (a.key < b.key ? -1 : 1));
  const groups: SmallFile[][] = [];
  let last: SmallFile[] = [];
  let bytes = 0;
  for (const file of sorted) {
    if (last.length === 0 || bytes + file.bytes > most || last.length >= limits.files) {
      last = [];
      bytes = 0;
      groups.push(last);
    }
    last.push(file);
    bytes += file.bytes;
  }
  return groups.map((group) => withoutLargest(group, target)).filter((group) => isWorthIt(group, target, limits));
}

/**
 * A file that outweighs all others of its group waits until there is more, or until they fill a file together: else it
 * would be written again and again for a few small ones each time.
 */
function withoutLargest(group: Group, target: number): Group {
  const largest = group.at(-1);
  if (largest === undefined || !isSmall(bytesOf(group), target)) return group;
  const rest = group.slice(0, -1);
  return largest.bytes > bytesOf(rest) ? withoutLargest(rest, target) : group;
}

function isWorthIt(group: Group, target: number, { smallest }: GroupLimits): boolean {
  return group.length >= smallest || (group.length >= 2 && !isSmall(bytesOf(group), target));
}

export function bytesOf(group: Group): number {
  return group.reduce((sum, { bytes }) => sum + bytes, 0);
}
