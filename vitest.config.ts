import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: [
            '{operator,ingestor,image,scripts,bench}/**/*.test.ts',
            'test/{support,simulation,fuzz,conformance}/**/*.test.ts',
          ],
        },
      },
      {
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          globalSetup: ['test/integration/setup.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          globalSetup: ['test/e2e/setup.ts'],
          // Waiting for pods is most of the time, so all files run side by side, also where there are two cores.
          maxWorkers: 8,
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
    ],
  },
});
