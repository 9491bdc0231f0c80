/** The API server is killed and comes back: nobody has to be started anew for it. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  Client,
  type ConfigMap,
  configMaps,
  isExpired,
  lead,
  leases,
  Reflector,
  silentLogger,
} from '../../../operator/runtime/index.ts';
import { eventually } from '../../support/cluster.ts';
import { clock, rewriting } from './support/connect.ts';
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

  async function reflect(through = client): Promise<Reflector<ConfigMap>> {
    const reflector = new Reflector(configMaps, { client: through, clock, log: silentLogger, namespace });
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

  // One that has just started knows no version from before: here one is too old for sure.
  test('a watch from a version of before is refused as expired', async () => {
    await put('e', 'red');
    await own.kill();
    await own.restart();
    const watching = client.watch(configMaps, { namespace, resourceVersion: '1', signal }).next();
    expect(isExpired(await watching.catch((error: unknown) => error))).toBe(true);
  });

  test('a cache whose version is too old lists anew', async () => {
    await put('f', 'red');
    await own.kill();
    await own.restart();
    let old = 1;
    const { connection, watches } = rewriting(own.connection(), (path) => {
      const isFirst = old-- > 0;
      return isFirst ? path.replace(/resourceVersion=\d+/, 'resourceVersion=1') : path;
    });
    const reflector = await reflect(new Client({ connection, clock, fieldManager: 'tester' }));
    await eventually('a second watch', async () => (watches.length > 1 ? true : undefined));
    await put('f', 'blue');
    await untilColour(reflector, 'f', 'blue');
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
