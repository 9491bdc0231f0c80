import { expect, test } from 'vitest';
import { ConfigError, helpText, parseConfig } from './config.ts';

const parse = (args: string[], environment: Record<string, string> = {}) => parseConfig(args, environment, 'host-1');

test('an image is all that must be said', () => {
  expect(parse(['--image', 'forebay:1'])).toMatchObject({
    image: 'forebay:1',
    namespaces: [],
    installation: 'forebay',
    leaseName: 'forebay-forebay',
    identity: 'host-1',
    metricsHost: '::',
    metricsPort: 8081,
    leaderElection: true,
    resources: { limits: { memory: '1Gi' } },
  });
});

test('flags win over environment variables', () => {
  const config = parse(['--image', 'a', '--namespace', 'x,y'], {
    FOREBAY_IMAGE: 'b',
    FOREBAY_NAMESPACES: 'z',
    FOREBAY_WORKERS: '2',
  });
  expect(config).toMatchObject({ image: 'a', namespaces: ['x', 'y'], workers: 2 });
});

test.each([
  [[], /--image \(or FOREBAY_IMAGE\) is required/],
  [['--image', 'a', '--workers', '0'], /--workers is 0/],
  [['--image', 'a', '--log-level', 'loud'], /one of debug, info, warn, error/],
  [['--image', 'a', '--metrics-address', '8081'], /HOST:PORT/],
  [['--image', 'a', '--ingestor-resources', '{"limit": {}}'], /must be JSON like/],
  [['--image', 'a', '--installation', 'a/b'], /label value/],
  [['--imaeg', 'a'], /imaeg/],
])('%j is refused with a message that names the flag', (args, message) => {
  expect(() => parse(args)).toThrow(message);
  expect(() => parse(args)).toThrow(ConfigError);
});

test('--help asks for nothing else, and names every variable', () => {
  expect(parse(['--help'])).toBeUndefined();
  expect(helpText()).toContain('FOREBAY_JOB_TTL_SECONDS');
});
