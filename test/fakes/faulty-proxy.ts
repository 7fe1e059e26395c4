import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** What a proxy does to a connection. */
export interface ProxyFaults {
  /** Milliseconds that each chunk waits. */
  readonly delay?: number;
  /** Bytes of the pieces in which chunks are passed on. */
  readonly pieces?: number;
  /** Bytes from the client after which the connection ends. */
  readonly cutAfterSent?: number;
  /** Bytes from the server after which the connection ends. */
  readonly cutAfterReceived?: number;
}

/** A proxy before a server of this machine. TCP keeps the order of bytes, so there is none to disturb. */
export class FaultyProxy {
  /** Faults of the next connections, one each; then the last ones again. */
  faults: ProxyFaults[] = [{}];
  readonly port: number;
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();

  private constructor(server: Server) {
    this.server = server;
    this.port = (server.address() as { port: number }).port;
  }

  static async start(target: number): Promise<FaultyProxy> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const proxy = new FaultyProxy(server);
    server.on("connection", (client) => proxy.join(client, connect(target, "127.0.0.1")));
    return proxy;
  }

  /** Ends the connections there are: clients may share and keep them. */
  disconnect(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  async stop(): Promise<void> {
    this.server.close();
    this.disconnect();
    await once(this.server, "close");
  }

  private join(client: Socket, upstream: Socket): void {
    const {
      delay = 0,
      pieces,
      cutAfterSent,
      cutAfterReceived,
    } = (this.faults.length > 1 ? this.faults.shift() : this.faults[0]) ?? {};
    const cut = () => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) {
      this.sockets.add(socket);
      socket.on("error", cut);
      socket.on("close", () => {
        this.sockets.delete(socket);
        cut();
      });
    }
    const pass = (from: Socket, to: Socket, most = Number.POSITIVE_INFINITY) => {
      let left = most;
      let turn = Promise.resolve();
      from.on("data", (chunk: Buffer) => {
        turn = turn.then(async () => {
          const length = pieces ?? chunk.length;
          for (let start = 0; start < chunk.length; start += length) {
            if (delay > 0) await sleep(delay, undefined, { ref: false });
            const piece = chunk.subarray(start, Math.min(start + length, chunk.length, start + left));
            if (!to.destroyed) to.write(piece);
            left -= piece.length;
            if (left <= 0) {
              to.end();
              setImmediate(cut);
              return;
            }
          }
        });
      });
    };
    pass(client, upstream, cutAfterSent);
    pass(upstream, client, cutAfterReceived);
  }
}
