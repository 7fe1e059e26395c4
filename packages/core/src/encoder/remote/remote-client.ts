import { Deadline } from "../../calls/index.ts";
import { received, SparseEncoderError } from "../../errors.ts";
import { HttpExchange } from "./http-exchange.ts";
import { invalidAnswer, lostConnection, PassingFailure, refusal } from "./remote-failure.ts";
import type { RemoteTlsOptions } from "./remote-options.ts";
import type { ServerAddress } from "./server-address.ts";

/** Characters of an answer that is no JSON in a message. */
const shownAnswer = 200;

/** Asks one server for JSON, once per call. */
export class RemoteClient {
  readonly url: URL;
  private readonly address: ServerAddress;
  private readonly exchange: HttpExchange;
  private readonly timeout: number;

  /** @param timeout milliseconds of a call */
  constructor(address: ServerAddress, timeout: number, tls: RemoteTlsOptions | undefined) {
    this.url = address.url;
    this.address = address;
    this.timeout = timeout;
    this.exchange = new HttpExchange(address.url, tls);
  }

  /**
   * @param path without a slash at its start
   * @param body sent as JSON by `POST`; undefined for `GET`
   * @throws PassingFailure if a later try, or another server, may do better; SparseEncoderError `REMOTE_REFUSED`,
   *   `REMOTE_INVALID`, `NETWORK`, `ABORTED`
   */
  async ask(path: string, body: unknown, signal: AbortSignal | undefined): Promise<unknown> {
    const address = new URL(path, this.url);
    using time = new Deadline(signal, this.timeout, `The request to ${address.href}`);
    try {
      return await time.race((whole) => this.request(address, body, whole));
    } catch (error) {
      if (!SparseEncoderError.is(error, "TIMEOUT")) throw error;
      throw new PassingFailure("TIMEOUT", error.message, { needsAnother: true, cause: error });
    }
  }

  /** Ends the connections that nobody uses. */
  close(): void {
    this.exchange.close();
  }

  private async request(address: URL, body: unknown, signal: AbortSignal): Promise<unknown> {
    const { authorization, secrets } = this.address;
    const headers = {
      accept: "application/json",
      ...(authorization !== undefined && { authorization }),
      ...(body !== undefined && { "content-type": "application/json" }),
    };
    const text = body === undefined ? undefined : JSON.stringify(body);
    const answer = await this.exchange.send(address, headers, text, signal).catch((cause: unknown) => {
      throw signal.aborted ? cause : lostConnection(address, cause);
    });
    if (answer.status < 200 || answer.status > 299) throw refusal(address, answer, secrets);
    try {
      return JSON.parse(answer.text);
    } catch (cause) {
      throw invalidAnswer(address, `not JSON: ${received(answer.text.slice(0, shownAnswer))}`, cause);
    }
  }
}
