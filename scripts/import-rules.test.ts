import { expect, test } from 'vitest';
import { brokenRules } from './import-rules.ts';

test.each([
  ['operator/batch/reconcile.ts', "import { status } from '../dataset/status.ts';"],
  ['operator/specs/job.ts', "import {\n  Client,\n} from '../runtime/client.ts';"],
  ['operator/specs/job.ts', "import { V1Job } from '@kubernetes/client-node';"],
  ['operator/runtime/manager.ts', "import '../api/names.ts';"],
  ['operator/dataset/status.ts', "export { openStore } from '../../ingestor/store/s3.ts';"],
  ['ingestor/tasks/plan.ts', "const { main } = await import('../../operator/main.ts');"],
  ['ingestor/local/run.ts', "import { reconcile } from '../../operator/batch/reconcile.ts';"],
  ['ingestor/table/table.ts', "import { readFile } from 'node:fs/promises';"],
])('%s must not hold %j', (path, text) => {
  expect(brokenRules(path, text)).toHaveLength(1);
});

test.each([
  ['operator/specs/job.ts', "import type { V1Job } from '@kubernetes/client-node';"],
  ['operator/runtime/client.ts', "import { KubeConfig } from '@kubernetes/client-node';"],
  ['operator/batch/reconcile.ts', "import { TaskResult } from '../../ingestor/contract/result.ts';"],
  ['ingestor/local/run.ts', "import { batchStatus } from '../../operator/batch/status.ts';"],
  ['ingestor/main.ts', "await import('../operator/main.ts')"],
  ['ingestor/parquet/read.test.ts', "import { readFileSync } from 'node:fs';"],
])('%s may hold %j', (path, text) => {
  expect(brokenRules(path, text)).toEqual([]);
});
