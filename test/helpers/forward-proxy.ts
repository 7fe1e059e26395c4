import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { type AddressInfo, connect, type Socket } from "node:net";
import { fileURLToPath } from "node:url";

/** How a proxy behaves. */
export interface ForwardProxySettings {
  /** Ports of this machine behind hosts, as `{ "hub.example:443": 40123 }`; others are connected to as they are named. */
  readonly routes?: Readonly<Record<string, number>>;
  /** `user:password` that each request must have. */
  readonly credentials?: string;
  /** Value of `Proxy-Authenticate` where they are missing or wrong. */
  readonly challenge?: string;
  /** Answers every request with this status. */
  readonly status?: number;
  /** Takes connections, and never answers. */
  readonly silent?: boolean;
  /** The proxy itself speaks TLS. */
  readonly secure?: boolean;
}

const tls = fileURLToPath(new URL("../fixtures/tls/", import.meta.url));

/** File of the authority that signed the certificate of servers of the tests, for `NODE_EXTRA_CA_CERTS`. */
export const authorityFile = `${tls}authority.pem`;

/** Key and certificate of a server of the tests. */
export const serverIdentity = {
  key: readFileSync(`${tls}key.pem`, "utf8"),
  cert: readFileSync(`${tls}certificate.pem`, "utf8"),
};

/** A proxy of this machine: tunnels by CONNECT, and requests of `http:` addresses. It notes what it was asked for. */
export class LocalForwardProxy implements AsyncDisposable {
  /** What was asked for, as `CONNECT hub.example:443` or `GET http://…`. */
  readonly asked: string[] = [];
  /** Values of `Proxy-Authorization`. */
  readonly authorizations: (string | undefined)[] = [];
  private readonly settings: ForwardProxySettings;
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();

  private constructor(settings: ForwardProxySettings) {
    this.settings = settings;
    this.server = settings.secure === true ? createSecureServer(serverIdentity) : createServer();
    this.server.on("connection", (socket: Socket) => this.hold(socket));
    this.server.on("connect", (asked: IncomingMessage, socket: Socket) => this.tunnel(asked, socket));
    this.server.on("request", (asked, response) => this.forward(asked, response));
  }

  static async start(settings: ForwardProxySettings = {}): Promise<LocalForwardProxy> {
    const proxy = new LocalForwardProxy(settings);
    await new Promise<void>((resolve) => proxy.server.listen(0, "127.0.0.1", resolve));
    return proxy;
  }

  /** Its address, with credentials if they are given. */
  address(credentials?: string): string {
    const { port } = this.server.address() as AddressInfo;
    const scheme = this.settings.secure === true ? "https" : "http";
    return `${scheme}://${credentials === undefined ? "" : `${credentials}@`}127.0.0.1:${port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private hold(socket: Socket): void {
    this.sockets.add(socket);
    socket.on("close", () => this.sockets.delete(socket));
    socket.on("error", () => socket.destroy());
  }

  /** The status and headers that refuse a request; undefined if it may pass. */
  private refusal(
    asked: IncomingMessage,
  ): readonly [status: number, headers: Record<string, string>] | undefined {
    const { status, credentials, challenge = 'Basic realm="proxy"' } = this.settings;
    const given = asked.headers["proxy-authorization"];
    this.asked.push(`${asked.method} ${asked.url}`);
    this.authorizations.push(given);
    if (status !== undefined) return [status, {}];
    const wanted = credentials && `Basic ${Buffer.from(credentials).toString("base64")}`;
    return wanted === undefined || given === wanted ? undefined : [407, { "Proxy-Authenticate": challenge }];
  }

  private tunnel(asked: IncomingMessage, socket: Socket): void {
    const refused = this.refusal(asked);
    if (this.settings.silent === true) return;
    if (refused !== undefined) {
      const [status, headers] = refused;
      const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
      socket.end(`HTTP/1.1 ${status} Refused\r\n${lines.join("")}Content-Length: 7\r\n\r\nrefused`);
      return;
    }
    const { hostname, port } = new URL(`http://${asked.url}`);
    const route = this.settings.routes?.[asked.url!];
    const onward = connect(route ?? (Number(port) || 80), route === undefined ? hostname : "127.0.0.1");
    this.hold(onward);
    onward.on("connect", () => {
      socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
      socket.pipe(onward).pipe(socket);
    });
    onward.on("error", () => socket.end("HTTP/1.1 502 Bad Gateway\r\n\r\n"));
    socket.on("close", () => onward.destroy());
    onward.on("close", () => socket.destroy());
  }

  private forward(asked: IncomingMessage, response: ServerResponse): void {
    const refused = this.refusal(asked);
    if (this.settings.silent === true) return;
    if (refused !== undefined) {
      response.writeHead(...refused).end("refused");
      return;
    }
    const { "proxy-authorization": _, ...headers } = asked.headers;
    const onward = request(asked.url!, { method: asked.method, headers }, (answer) => {
      response.writeHead(answer.statusCode!, answer.headers);
      answer.pipe(response);
      answer.on("close", () => response.destroy());
    });
    onward.on("error", () => response.writeHead(502).end());
    response.on("close", () => onward.destroy());
    onward.end();
  }
}
