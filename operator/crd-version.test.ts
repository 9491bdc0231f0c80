import { expect, test } from 'vitest';
import { versionProblem } from './crd-version.ts';

test('CRDs of this version or a newer one are worked with', () => {
  expect(versionProblem('datasets.ingest.forebay.dev', '2', true)).toBeUndefined();
  expect(versionProblem('datasets.ingest.forebay.dev', '99', true)).toBeUndefined();
});

test.each([
  [undefined, false, /datasets.* is not installed: .*kubectl apply/],
  ['1', true, /datasets.* is of version 1, this operator needs 2: .*crds.install=true/],
  [undefined, true, /is of version none/],
])('CRDs of version %s (installed: %s) are refused, with what to do', (version, isThere, message) => {
  expect(versionProblem('datasets.ingest.forebay.dev', version, isThere)).toMatch(message);
});
