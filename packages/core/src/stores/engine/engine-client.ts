import { maximumAskedWait } from "../../calls/index.ts";
import { attempt, type EngineRules } from "./engine-requests.ts";

/** How a backend comes by its client. */
export interface EngineOpening<Client> {
  readonly rules: EngineRules;
  /** The client of the caller, which stays open. */
  readonly client: Client | undefined;
  /** Makes a client where the caller has none. */
  readonly connect: () => Promise<Client>;
  /** Ends a client that `connect` made. */
  readonly disconnect: (client: Client) => Promise<unknown>;
}

/** The client of an engine, asked by the rules of its store. */
export class EngineClient<Client> {
  private readonly client: Client;
  private readonly rules: EngineRules;
  private readonly disconnect: ((client: Client) => Promise<unknown>) | undefined;

  private constructor(client: Client, { client: lent, rules, disconnect }: EngineOpening<Client>) {
    this.client = client;
    this.rules = rules;
    this.disconnect = lent === undefined ? disconnect : undefined;
  }

  /** Opens a backend; if that fails, a client that was made for it is closed. */
  static async open<Client, Backend>(
    opening: EngineOpening<Client>,
    open: (engine: EngineClient<Client>, client: Client) => Promise<Backend>,
  ): Promise<Backend> {
    const engine = new EngineClient(opening.client ?? (await opening.connect()), opening);
    try {
      return await engine.attempt(undefined, (client) => open(engine, client));
    } catch (error) {
      await engine.close().catch(() => {});
      throw error;
    }
  }

  /** Does one piece of work; a client that was made for it is closed behind it. */
  static async use<Client, Result>(
    opening: EngineOpening<Client>,
    work: (engine: EngineClient<Client>) => Promise<Result>,
  ): Promise<Result> {
    const engine = new EngineClient(opening.client ?? (await opening.connect()), opening);
    try {
      return await work(engine);
    } finally {
      await engine.close().catch(() => {});
    }
  }

  /** Makes a request: again where that may help; what it throws are errors of this library. */
  attempt<Result>(
    signal: AbortSignal | undefined,
    request: (client: Client) => Promise<Result>,
  ): Promise<Result> {
    return attempt(this.rules, signal, () => request(this.client));
  }

  /** Milliseconds that a server asks to wait before another request; 0 if it does not. */
  askedWait(error: unknown): number {
    return Math.min(maximumAskedWait, this.rules.askedWait?.(error) ?? 0);
  }

  async close(): Promise<void> {
    await this.disconnect?.(this.client);
  }
}
