import { expect, test } from 'vitest';
import { textTable } from './text-table.ts';

test('columns are as wide as their widest cell', () => {
  const table = textTable(
    ['NAME', 'READY'],
    [
      ['a-long-name', 'True'],
      ['b', ''],
    ],
  );
  expect(table).toBe('NAME          READY\na-long-name   True\nb');
});
