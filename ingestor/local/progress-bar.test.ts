import { expect, test } from 'vitest';
import { zeroRecords } from '../contract/counts.ts';
import { ProgressBar, progressLine } from './progress-bar.ts';

const half = { records: { ...zeroRecords(), read: 10, failed: 1 }, inputBytes: 50, totalInputBytes: 100 };

test('the bar fills with the share of bytes read', () => {
  expect(progressLine('batch/a', half)).toBe('batch/a  [############............]  50%  10 read, 1 refused');
});

test('without a total the bar stays empty', () => {
  expect(progressLine('a', { ...half, totalInputBytes: undefined })).toContain('[........................]   0%');
});

test('off a terminal only the end is printed', () => {
  const written: string[] = [];
  const bar = new ProgressBar({ isTTY: false, write: (text) => void written.push(text) }, 'batch/a');
  bar.update(half);
  bar.end('done');
  expect(written).toEqual(['batch/a  done\n']);
});
