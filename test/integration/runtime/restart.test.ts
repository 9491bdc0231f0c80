/** The API server is killed and comes back: nobody has to be started anew for it. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  type Client,
  type ConfigMap,
  configMaps,
  lead,
  leases,
  Reflector,
  silentLogger,
} from '../../../operator/runtime/index.ts';
import { eventually } from '../../support/cluster.ts';
import { clock } from './support/connect.ts';
import { hasOwnApiServer, OwnApiServer } from './support/own-api-server.ts';

const namespace = 'default';
const signal = new AbortController().signal;

describe.skipIf(!hasOwnApiServer)('when the API server is killed', () => {
  let own: OwnApiServer;
  let client: Client;
  let stop: AbortController;

  beforeAll(async () => {
    own = await OwnApiServer.start();
    client = own.client();
  });

  afterAll(async () => {
    await own.stop();
  });

  beforeEach(() => {
    stop = new AbortController();
  });

  afterEach(() => {
    stop.abort();
  });

  async function put(name: string, colour: string): Promise<void> {
    await client.apply(configMaps, { metadata: { namespace, name }, data: { colour } }, { signal });
  }

  async function reflect(): Promise<Reflector<ConfigMap>> {
    const reflector = new Reflector(configMaps, { client, clock, log: silentLogger, namespace });
    void reflector.run(stop.signal);
    await reflector.synced;
    return reflector;
  }

  async function untilColour(reflector: Reflector<ConfigMap>, name: string, colour: string | undefined): Promise<void> {
    await eventually(`${name} is ${colour}`, async () =>
      reflector.store.get({ namespace, name })?.data?.colour === colour ? true : undefined,
    );
  }

  test('a cache has what was written before and follows what is written after', async () => {
    await put('a', 'red');
    const reflector = await reflect();
    await untilColour(reflector, 'a', 'red');
    await own.kill();
    await own.restart();
    await put('a', 'blue');
    await put('b', 'green');
    await untilColour(reflector, 'a', 'blue');
    await untilColour(reflector, 'b', 'green');
    await client.delete(configMaps, { namespace, name: 'a' }, { signal });
    await untilColour(reflector, 'a', undefined);
  });

  test('an object that went while nobody watched goes from the cache, with one change told', async () => {
    await put('c', 'red');
    const before = await reflect();
    const changes: string[] = [];
    before.store.subscribe((change) => {
      if (change.before?.metadata.name === 'c') changes.push(change.after === undefined ? 'gone' : 'changed');
    });
    await own.kill();
    await own.restart();
    await client.delete(configMaps, { namespace, name: 'c' }, { signal });
    await untilColour(before, 'c', undefined);
    expect(changes).toEqual(['gone']);
  });

  test('a call that is made meanwhile is answered when it is back', async () => {
    await put('d', 'red');
    await own.kill();
    const call = client.get(configMaps, { namespace, name: 'd' }, { signal });
    await own.restart();
    expect((await call).data?.colour).toBe('red');
  });

  test('a lease that lasts longer than that is kept', async () => {
    const times = { leaseDurationSeconds: 60, renewDeadlineSeconds: 50, retryPeriodSeconds: 0.5 };
    const options = { client, clock, log: silentLogger, namespace, name: 'kept', identity: 'me', ...times };
    const { lost, release } = await lead(options, signal);
    await own.kill();
    await own.restart();
    const renewTime = async () => (await client.get(leases, { namespace, name: 'kept' }, { signal })).spec?.renewTime;
    const first = await renewTime();
    await eventually('a renewal', async () => ((await renewTime()) === first ? undefined : true));
    expect(lost.aborted).toBe(false);
    await release();
  });
});
