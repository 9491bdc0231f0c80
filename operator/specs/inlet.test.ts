import { describe, expect, test } from 'vitest';
import type { StreamInlet } from '../api/types.gen.ts';
import { datasetPlace } from './dataset.ts';
import { exampleDataset, exampleInlet, exampleInstallation } from './examples.ts';
import { inletChildren, inletURLs, selectorText } from './inlet.ts';

function children(spec: Partial<StreamInlet['spec']> = {}, dataset = exampleDataset()) {
  return inletChildren(exampleInlet(spec), dataset, datasetPlace(dataset, 'main'), exampleInstallation);
}

describe('the pods of an inlet', () => {
  test('have probes, room to answer their last requests and a Service in front', () => {
    const { deployment, service } = children();
    const pod = deployment.spec?.template.spec;
    expect(pod).toMatchObject({ terminationGracePeriodSeconds: 60, restartPolicy: 'Always' });
    expect(pod?.containers[0]).toMatchObject({
      command: ['node', '/app/main.js', 'inlet'],
      readinessProbe: { httpGet: { path: '/readyz', port: 9464 } },
      livenessProbe: { httpGet: { path: '/healthz', port: 9464 } },
      lifecycle: { preStop: { sleep: { seconds: 5 } } },
    });
    expect(service).toMatchObject({
      metadata: { name: 'clicks' },
      spec: {
        type: 'ClusterIP',
        selector: deployment.spec?.selector.matchLabels,
        ports: [{ port: 80, targetPort: 'http' }],
      },
    });
  });

  test('get the keys of senders as a folder for each Secret', () => {
    const { configMap, deployment } = children();
    expect(JSON.parse(configMap.data?.['task.json'] ?? '')).toMatchObject({
      authentication: [{ apiKey: { path: '/var/run/forebay/keys/0' } }],
      inlet: { namespace: 'shop', name: 'clicks', id: expect.stringMatching(/^[0-9a-f]{64}$/) },
    });
    expect(deployment.spec?.template.spec?.volumes).toContainEqual({
      name: 'keys-0',
      secret: { secretName: 'clicks-keys' },
    });
  });

  test('roll when their task changes, and only then', () => {
    const task = (spec: Partial<StreamInlet['spec']>) => children(spec).configMap.metadata.name;
    expect(task({ replicas: 5 })).toBe(task({}));
    expect(task({ envelope: 'Raw' })).not.toBe(task({}));
    expect(children({ envelope: 'Raw' }).deployment.metadata.name).toBe(children().deployment.metadata.name);
  });

  test('have a budget and are spread from two on', () => {
    const spread = (replicas: number) =>
      children({ replicas }).deployment.spec?.template.spec?.topologySpreadConstraints;
    expect(children({ replicas: 1 }).budget).toBeUndefined();
    expect(children({ replicas: 2 }).budget?.spec).toMatchObject({ maxUnavailable: 1 });
    expect(spread(1)).toBeUndefined();
    expect(spread(2)).toMatchObject([{ topologyKey: 'kubernetes.io/hostname', whenUnsatisfiable: 'ScheduleAnyway' }]);
  });

  test('are spread as a podTemplate says', () => {
    const zone = { maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule' } as const;
    const dataset = exampleDataset({ podTemplate: { spec: { topologySpreadConstraints: [zone] } } });
    expect(children({}, dataset).deployment.spec?.template.spec?.topologySpreadConstraints).toEqual([zone]);
  });
});

test('the selector is text for the scale subresource', () => {
  expect(selectorText(exampleInlet(), exampleInstallation)).toBe(
    'ingest.forebay.dev/installation=main,ingest.forebay.dev/kind=StreamInlet,ingest.forebay.dev/name=clicks',
  );
});

test('records are sent to the Service, or to the address of a load balancer', () => {
  expect(inletURLs(exampleInlet(), ['192.0.2.1'])).toEqual([
    'http://clicks.shop.svc/collection/shop/clicks',
    'http://192.0.2.1/collection/shop/clicks',
  ]);
});
