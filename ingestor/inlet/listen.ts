import { once } from 'node:events';
import type { Server } from 'node:http';
import { ForebayError } from '../contract/errors.ts';

/** Answers the port; `0` asks for any free one. */
export async function listen(server: Server, port: number, host: string | undefined): Promise<number> {
  try {
    server.listen({ port, ...(host === undefined ? {} : { host }) });
    await once(server, 'listening');
  } catch (cause) {
    throw new ForebayError('InvalidTask', `cannot listen on port ${port}`, { cause });
  }
  const address = server.address();
  return address === null || typeof address === 'string' ? port : address.port;
}

/** Takes no more connections; resolves when those that are busy have had their answers, or when `signal` ends them. */
export async function drain(server: Server, signal: AbortSignal): Promise<void> {
  if (!server.listening) return;
  const breakOff = () => server.closeAllConnections();
  signal.addEventListener('abort', breakOff, { once: true });
  server.close();
  server.closeIdleConnections();
  // For those whose last answer has left already and whose request is still read.
  server.keepAliveTimeout = 1;
  if (signal.aborted) breakOff();
  await once(server, 'close');
  signal.removeEventListener('abort', breakOff);
}
