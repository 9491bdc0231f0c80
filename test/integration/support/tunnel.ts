import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** A way to a server that can be blocked: connections are taken and stay open, and nothing comes through. */
export class Tunnel {
  readonly endpoint: string;
  readonly #server: Server;
  readonly #flow: Flow;

  private constructor(port: number, server: Server, flow: Flow) {
    this.endpoint = `http://127.0.0.1:${port}`;
    this.#server = server;
    this.#flow = flow;
  }

  static async open(to: string): Promise<Tunnel> {
    const flow = new Flow();
    const server = createServer((near) => {
      const far = connect(Number(new URL(to).port), '127.0.0.1');
      flow.join(near, far);
      flow.join(far, near);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    return new Tunnel(address.port, server, flow);
  }

  block(): void {
    this.#flow.blocked = true;
  }

  unblock(): void {
    this.#flow.release();
  }

  close(): void {
    this.#flow.destroy();
    this.#server.close();
  }
}

class Flow {
  blocked = false;
  #held: (() => void)[] = [];
  readonly #sockets = new Set<Socket>();

  join(from: Socket, to: Socket): void {
    this.#sockets.add(from);
    from.on('data', (chunk) => {
      const pass = () => void to.write(chunk);
      if (this.blocked) this.#held.push(pass);
      else pass();
    });
    from.on('error', () => to.destroy());
    from.on('close', () => {
      this.#sockets.delete(from);
      to.destroy();
    });
  }

  release(): void {
    this.blocked = false;
    for (const pass of this.#held) pass();
    this.#held = [];
  }

  destroy(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}
