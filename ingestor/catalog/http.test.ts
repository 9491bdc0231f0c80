import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { Http, type HttpPatience, NoAnswer } from './http.ts';

const quick: HttpPatience = { connect: 50, idle: 50, whole: 60_000 };
let server: Server;
const connections: Socket[] = [];

afterEach(() => {
  for (const socket of connections.splice(0)) socket.destroy();
  server.close();
});

async function listen(onConnection: (socket: Socket) => void): Promise<string> {
  server = createServer((socket) => {
    connections.push(socket);
    socket.on('error', () => {});
    onConnection(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return `127.0.0.1:${address.port}`;
}

async function ask(url: string, patience: HttpPatience, signal = new AbortController().signal) {
  const http = await Http.open({ maxResponseBytes: 1_000, patience });
  return await http.send({ method: 'GET', url: new URL(url), headers: {} }, signal);
}

function reasonOf(thrown: unknown): string {
  if (thrown instanceof NoAnswer) return thrown.reason;
  throw thrown;
}

describe('a server', () => {
  test('that never answers is given up', async () => {
    const host = await listen(() => {});
    expect(await ask(`http://${host}/`, quick).catch(reasonOf)).toBe('silent for too long');
  });

  test('that never agrees on encryption is given up', async () => {
    const host = await listen(() => {});
    const patience = { ...quick, idle: 60_000 };
    expect(await ask(`https://${host}/`, patience).catch(reasonOf)).toBe('no connection in time');
  });

  test('that answers a byte now and then is given up in the end', async () => {
    const host = await listen((socket) => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n');
      const timer = setInterval(() => socket.write('x'), 10);
      socket.once('close', () => clearInterval(timer));
    });
    const patience = { ...quick, whole: 100 };
    expect(await ask(`http://${host}/`, patience).catch(reasonOf)).toBe('no whole answer in time');
  });

  test('that breaks off in the midst of its answer has not answered', async () => {
    const host = await listen((socket) => {
      socket.end('HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n{"half":');
    });
    expect(await ask(`http://${host}/`, quick).catch(reasonOf)).toBe('ECONNRESET');
  });

  test('whose answer has no end is given up at the limit', async () => {
    const host = await listen((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\n\r\n${'x'.repeat(2_000)}`);
    });
    expect(await ask(`http://${host}/`, quick).catch(reasonOf)).toBe('more than 1000 bytes');
  });

  test('is no longer waited for when the process is told to stop', async () => {
    const stop = new AbortController();
    const host = await listen(() => stop.abort(new Error('told to stop')));
    await expect(ask(`http://${host}/`, { ...quick, idle: 60_000 }, stop.signal)).rejects.toThrow('told to stop');
  });
});
