import { pause, throwIfAborted } from "../../calls/index.ts";
import { invalidArgument } from "../../errors.ts";
import { RemoteClient } from "./remote-client.ts";
import { invalidAnswer, PassingFailure } from "./remote-failure.ts";
import type { CheckedRemoteOptions } from "./remote-options.ts";
import { isSameModel } from "./same-model.ts";
import { parseAddresses, type ServerAddress } from "./server-address.ts";
import { readDescription, type ServerDescription } from "./server-description.ts";
import { ServerQueue } from "./server-queue.ts";

/** Routes of embeddings. */
export type EmbedPath = "embed" | "embed_sparse";

/** Fields of a request, as the server that gets it takes them. */
export type FieldsFor = (
  server: ServerDescription,
  texts: readonly string[],
) => Readonly<Record<string, unknown>>;

/** What servers with different models answer differently. */
const probe = "The weather is lovely today, and the trains to the coast are cheap.";

/** Bytes of a body that servers take at least, such as text-embeddings-inference. */
const usualBody = 2_000_000;

/** Milliseconds before all servers are asked again, when none was there. */
const firstDelay = 200;

/** A server, and what is known of it. */
interface PooledServer {
  readonly client: RemoteClient;
  /** Undefined until it was there and had the model of the others. */
  description: ServerDescription | undefined;
}

/** One server or several with the same model, which share the requests. */
export class RemotePool {
  /** What the first server that answered says of itself. */
  readonly description: ServerDescription;
  readonly options: CheckedRemoteOptions;
  private readonly servers: readonly PooledServer[];
  private readonly path: EmbedPath;
  private readonly queue: ServerQueue<PooledServer>;
  private readonly first: PooledServer;
  /** What the first server makes of {@link probe}; undefined while it is the only one. */
  private reference: unknown;

  private constructor(
    servers: readonly PooledServer[],
    first: PooledServer & { description: ServerDescription },
    path: EmbedPath,
    options: CheckedRemoteOptions,
  ) {
    this.servers = servers;
    this.first = first;
    this.description = first.description;
    this.path = path;
    this.options = options;
    this.queue = new ServerQueue(servers, options);
  }

  /**
   * Asks all servers what they are. One of several may be missing; it is asked again when it is its turn.
   * @throws SparseEncoderError `NETWORK` or `TIMEOUT` if none is there; as {@link RemoteClient.ask}; `INVALID_ARGUMENT`
   */
  static async open(
    call: string,
    path: EmbedPath,
    urls: unknown,
    options: CheckedRemoteOptions,
  ): Promise<RemotePool> {
    const addresses = parseAddresses(call, urls, options.apiKey);
    const servers = addresses.map((address: ServerAddress): PooledServer => {
      const client = new RemoteClient(address, options.timeout, options.tls);
      return { client, description: undefined };
    });
    const { signal } = options;
    for (let tries = 0; ; tries++) {
      throwIfAborted(signal);
      const answers = await Promise.allSettled(
        servers.map(({ client }) => client.ask("info", undefined, signal)),
      );
      const failures = answers.flatMap((answer) => (answer.status === "rejected" ? [answer.reason] : []));
      const refused = failures.find((error) => !(error instanceof PassingFailure));
      if (refused !== undefined) throw refused;
      const place = answers.findIndex(({ status }) => status === "fulfilled");
      const answer = answers[place];
      if (answer?.status === "fulfilled") {
        const server = servers[place]!;
        const description = readDescription(server.client.url, answer.value);
        const pool = new RemotePool(servers, Object.assign(server, { description }), path, options);
        await pool.admitAll(signal);
        return pool;
      }
      const [failure] = failures as PassingFailure[];
      if (tries >= options.retries || failure!.needsAnother) throw failure;
      await pause(Math.max(failure!.wait, firstDelay * 2 ** tries), signal);
    }
  }

  /** Address of the first server that answered, for messages. */
  get url(): URL {
    return this.first.client.url;
  }

  /** Addresses of all servers, without credentials. */
  get urls(): string[] {
    return this.servers.map(({ client }) => client.url.href);
  }

  /** Requests that run at once, on all servers together. */
  get slots(): number {
    return this.queue.slots;
  }

  /** Most texts of a request. */
  get batchSize(): number {
    const known = this.servers.flatMap(({ description }) => description?.mostTexts ?? []);
    return Math.min(this.options.batchSize, ...known);
  }

  /** Most bytes of the texts of a request: half of a body, as prompts come with them. */
  get batchBytes(): number {
    const known = this.servers.map(({ description }) => description?.mostBytes ?? usualBody);
    return Math.min(usualBody, ...known) / 2;
  }

  /** Asks the first server that answered, once. */
  ask(path: string, signal: AbortSignal | undefined): Promise<unknown> {
    return this.first.client.ask(path, undefined, signal);
  }

  /**
   * The rows of the texts as a server gives them, in the order of the texts.
   * @throws SparseEncoderError as {@link RemoteClient.ask}
   */
  embed(
    texts: readonly string[],
    fields: FieldsFor,
    signal: AbortSignal,
  ): Promise<{ rows: unknown[]; address: URL }> {
    return this.queue.add(async (server) => {
      await this.admit(server, signal);
      const rows: unknown[] = [];
      // A server that came later may take fewer texts than the others.
      const most = server.description?.mostTexts ?? texts.length;
      for (let start = 0; start < texts.length; start += most) {
        rows.push(...(await this.rowsOf(server, texts.slice(start, start + most), fields, signal)));
      }
      return { rows, address: new URL(this.path, server.client.url) };
    }, signal);
  }

  /** Ends connections. */
  close(): void {
    for (const { client } of this.servers) client.close();
  }

  /** Takes up the servers that are there. */
  private async admitAll(signal: AbortSignal | undefined): Promise<void> {
    if (this.servers.length === 1) return;
    [this.reference] = await this.rowsOf(this.first, [probe], () => ({}), signal);
    await Promise.all(
      this.servers.map((server) =>
        this.admit(server, signal).catch((error: unknown) => {
          if (!(error instanceof PassingFailure)) throw error;
        }),
      ),
    );
  }

  /**
   * Takes a server up that was not there before.
   * @throws SparseEncoderError `INVALID_ARGUMENT` for one with another model
   */
  private async admit(server: PooledServer, signal: AbortSignal | undefined): Promise<void> {
    if (server.description !== undefined) return;
    const { client } = server;
    const description = readDescription(client.url, await client.ask("info", undefined, signal));
    const [row] = await this.rowsOf({ client, description }, [probe], () => ({}), signal);
    if (!isSameModel(row, this.reference)) {
      throw invalidArgument(
        `${client.url.origin} and ${this.url.origin} embed a text differently; the servers of an encoder must have the same model.`,
      );
    }
    server.description = description;
  }

  private async rowsOf(
    { client, description }: PooledServer,
    texts: readonly string[],
    fields: FieldsFor,
    signal: AbortSignal | undefined,
  ): Promise<unknown[]> {
    const body = { inputs: texts, truncate: true, ...(description && fields(description, texts)) };
    const answer = await client.ask(this.path, body, signal);
    if (!Array.isArray(answer) || answer.length !== texts.length) {
      throw invalidAnswer(new URL(this.path, client.url), `not an array of ${texts.length} embeddings`);
    }
    return answer;
  }
}
