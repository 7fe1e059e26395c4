import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { fileURLToPath } from "node:url";

const fixture = (name: string) =>
  readFileSync(fileURLToPath(new URL(`../fixtures/tls/${name}`, import.meta.url)), "utf8");

/** The certificate of the authority that signed the others. */
export const authority = fixture("ca.pem");

/** TLS before a server of this machine. */
export class TlsFront {
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();

  private constructor(server: Server) {
    this.server = server;
    server.on("connection", (socket) => {
      this.sockets.add(socket);
      socket.on("close", () => this.sockets.delete(socket));
    });
  }

  /**
   * @param target the port of the server
   * @param certificate `right` for one of this machine's names, `wrong` for one of another
   * @param asksFirst true for Postgres, whose clients ask for TLS in the clear
   */
  static async start(target: number, certificate: "right" | "wrong", asksFirst = false): Promise<TlsFront> {
    const key = fixture(`${certificate}.key`);
    const cert = fixture(`${certificate}.pem`);
    const server = createServer(async (socket) => {
      socket.on("error", () => {});
      if (asksFirst) {
        await once(socket, "data");
        socket.write("S");
      }
      const secure = new TLSSocket(socket, { isServer: true, key, cert, ALPNProtocols: ["h2", "http/1.1"] });
      const inner = connect(target, "127.0.0.1");
      for (const one of [secure, inner]) one.on("error", () => secure.destroy());
      secure.pipe(inner).pipe(secure);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new TlsFront(server);
  }

  get port(): number {
    return (this.server.address() as { port: number }).port;
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
    await once(this.server, "close");
  }
}
