import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

/** Any object of JSON. */
export type Json = Record<string, unknown>;

/** A request that a fake refuses. */
export class Refusal extends Error {
  readonly status: number;
  /** What the engine calls such a refusal. */
  readonly type: string;
  /** Headers of the answer. */
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    message: string,
    type = "fake_exception",
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
    this.status = status;
    this.type = type;
    this.headers = headers;
  }
}

/** Refuses a request that is not as the engine wants it. */
export function check(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Refusal(400, message);
}

/** Names beyond the documented ones are refused, also where the engine would pass them over. */
export function checkNames(what: string, value: unknown, names: readonly string[]): asserts value is Json {
  check(typeof value === "object" && value !== null && !Array.isArray(value), `${what} is not an object`);
  for (const name of Object.keys(value)) check(names.includes(name), `${what} has no field [${name}]`);
}

/** A request as a fake sees it. */
export interface FakeRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

/** A server over HTTP that answers with JSON, and can be told to fail. */
export abstract class FakeServer implements AsyncDisposable {
  /** Refuses the next requests with these statuses, or refusals, instead. */
  readonly failures: (number | Refusal)[] = [];
  /** Headers of each answer. */
  protected readonly headers: Readonly<Record<string, string>> = {};
  /** Milliseconds that each answer waits. */
  delay = 0;
  /** Most requests that were under way at once. */
  mostUnderWay = 0;
  private underWay = 0;
  private readonly server: Server;

  constructor() {
    this.server = createServer((request, response) => void this.serve(request, response));
  }

  /** The server on a port of its own. */
  async listen(): Promise<this> {
    this.server.listen(0, "127.0.0.1");
    await once(this.server, "listening");
    return this;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get port(): number {
    return (this.server.address() as { port: number }).port;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, "close");
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /** The body of the answer or a promise of it, or a {@link Refusal}. */
  protected abstract answer(request: FakeRequest): unknown;

  /** The bodies of answers to what was done, and to what was refused. */
  protected abstract success(result: unknown): unknown;
  protected abstract failure(status: number, type: string, message: string): unknown;

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let status = 200;
    let body: unknown;
    let headers: Readonly<Record<string, string>> = {};
    this.mostUnderWay = Math.max(this.mostUnderWay, ++this.underWay);
    try {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      await sleep(this.delay);
      const failure = this.failures.shift();
      if (failure !== undefined) {
        throw typeof failure === "number" ? new Refusal(failure, "it was told to fail") : failure;
      }
      const result = await this.answer({
        method: request.method!,
        url: new URL(request.url!, "http://fake"),
        headers: request.headers,
        body: Buffer.concat(chunks),
      });
      body = this.success(result);
    } catch (error) {
      const { message } = error as Error;
      status = error instanceof Refusal ? error.status : 500;
      if (error instanceof Refusal) headers = error.headers;
      body = this.failure(status, error instanceof Refusal ? error.type : "fake_exception", message);
    }
    this.underWay--;
    response.writeHead(status, {
      "content-type": "application/json",
      ...this.headers,
      ...headers,
    });
    response.end(request.method === "HEAD" ? undefined : JSON.stringify(body));
  }
}
