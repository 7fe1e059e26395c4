import { pause, throwIfAborted } from "../../calls/index.ts";
import { invalidArgument, SparseEncoderError } from "../../errors.ts";
import { type HubSubject, shownUrl, statusFailure, TransientFailure } from "./failure.ts";
import { type ForwardProxy, fetchKnowsProxies, proxyFor, through } from "./proxy/proxy.ts";
import { type HubTiming, progressBytes } from "./timing.ts";
import { HubWatch } from "./watch.ts";

const longestJson = 64 << 20;
/** Characters of a header that names the next page of a listing. */
const longestLink = 4096;
const redirects = [301, 302, 303, 307, 308];
const mostRedirects = 10;

/** An answer whose body is yet to be read; {@link HubAnswer.close} must be called. */
export interface HubAnswer {
  /** 200, 206, or 416. */
  readonly status: number;
  /** Headers of the last answer. */
  readonly headers: Headers;
  /** What the hub itself says of the file behind a redirect, in headers `x-linked-etag` and `x-linked-size`. */
  readonly linkedEtag: string | undefined;
  readonly linkedSize: number | undefined;
  /** The body; throws `TransientFailure` if it breaks off. */
  chunks(): AsyncGenerator<Uint8Array>;
  close(): Promise<void>;
}

/**
 * Requests to one hub, with the global `fetch`, or through the proxy that the environment names.
 *
 * Redirects are followed here rather than by `fetch`: the token goes to the endpoint's origin only, and what the
 * hub says of a large file is in the headers of the redirect.
 */
export class HubClient {
  readonly endpoint: string;
  private readonly token: string | undefined;
  private readonly timing: HubTiming;

  /** @throws SparseEncoderError `INVALID_ARGUMENT` */
  constructor(endpoint: string, token: string | undefined, timing: HubTiming) {
    this.endpoint = checkEndpoint(endpoint);
    this.token = checkToken(token);
    this.timing = timing;
  }

  /** A URL below the endpoint; each part of the path is quoted as one. */
  url(...parts: readonly string[]): URL {
    return new URL([this.endpoint, ...parts.map((part) => encodeURIComponent(part))].join("/"));
  }

  /** A JSON answer, and the address of the next page, if any. */
  async json(
    url: URL,
    subject: HubSubject,
    signal: AbortSignal | undefined,
    attempts?: number,
  ): Promise<{ value: unknown; next: URL | undefined }> {
    return this.retry(signal, attempts, async () => {
      const answer = await this.get(url, subject, {}, signal);
      try {
        const parts: Uint8Array[] = [];
        let bytes = 0;
        for await (const chunk of answer.chunks()) {
          parts.push(chunk);
          bytes += chunk.length;
          if (bytes > longestJson) throw this.invalidAnswer(url, `more than ${longestJson} bytes`);
        }
        return {
          value: this.parseJson(url, Buffer.concat(parts).toString("utf8")),
          next: this.nextPage(url, answer.headers),
        };
      } finally {
        await answer.close();
      }
    });
  }

  /**
   * One attempt at a GET request.
   * @throws TransientFailure if another attempt may succeed; SparseEncoderError otherwise
   */
  async get(
    url: URL,
    subject: HubSubject,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal | undefined,
  ): Promise<HubAnswer> {
    const watch = new HubWatch(this.timing, signal);
    try {
      let linkedEtag: string | undefined;
      let linkedSize: string | undefined;
      let here = url;
      for (let hop = 0; hop <= mostRedirects; hop++) {
        const response = await this.send(here, headers, watch);
        if (this.isHub(here)) {
          linkedEtag ??= response.headers.get("x-linked-etag") ?? undefined;
          linkedSize ??= response.headers.get("x-linked-size") ?? undefined;
        }
        if (!redirects.includes(response.status)) {
          if (![200, 206, 416].includes(response.status)) {
            await discard(response);
            throw statusFailure(response, here, subject, this.token, this.endpoint);
          }
          return {
            status: response.status,
            headers: response.headers,
            linkedEtag: linkedEtag?.replace(/^W\//, "").replaceAll('"', ""),
            linkedSize: linkedSize === undefined ? undefined : Number(linkedSize),
            chunks: () => this.chunks(response, here, watch),
            close: async () => {
              watch.close();
              await discard(response);
            },
          };
        }
        await discard(response);
        here = this.redirectTarget(here, response.headers);
      }
      throw this.invalidAnswer(url, `more than ${mostRedirects} redirects`);
    } catch (error) {
      watch.close();
      throw error;
    }
  }

  /**
   * Runs `attempt` until it succeeds, at most `attempts` times without progress, with waits that double.
   * @param progress bytes received so far
   */
  async retry<Result>(
    signal: AbortSignal | undefined,
    attempts: number = this.timing.attempts,
    attempt: () => Promise<Result>,
    progress: () => number = () => 0,
  ): Promise<Result> {
    let failures = 0;
    let reached = progress();
    for (;;) {
      throwIfAborted(signal);
      try {
        return await attempt();
      } catch (failure) {
        if (!(failure instanceof TransientFailure)) throw failure;
        // Bytes that come a second time, after a download began anew, are not progress.
        if (progress() - reached >= progressBytes) failures = 0;
        reached = Math.max(reached, progress());
        failures++;
        const wait = failure.waitMs ?? this.timing.firstWait * 2 ** (failures - 1);
        if (failures >= attempts || wait > this.timing.longestWait) throw failure.error;
        await pause(wait, signal);
      }
    }
  }

  /** An address for messages. */
  shown(url: URL): string {
    return shownUrl(url, this.token);
  }

  /** The error for an answer that no hub gives. */
  invalidAnswer(url: URL, problem: string): SparseEncoderError {
    return new SparseEncoderError(
      "HUB_INVALID",
      `${this.shown(url)} answered with ${problem}. Check that the endpoint is a Hugging Face hub, and that no proxy or login page answers in its place.`,
    );
  }

  private isHub(url: URL): boolean {
    return url.origin === new URL(this.endpoint).origin;
  }

  private redirectTarget(from: URL, headers: Headers): URL {
    const location = headers.get("location");
    const target =
      location !== null && URL.canParse(location, from.href) ? new URL(location, from) : undefined;
    if (target === undefined || !/^https?:$/.test(target.protocol) || target.username || target.password) {
      throw this.invalidAnswer(from, "a redirect to no usable address");
    }
    return target;
  }

  private nextPage(from: URL, headers: Headers): URL | undefined {
    const found = /<([^<>]*)>\s*;[^,<]*\brel="?next"?/.exec(
      (headers.get("link") ?? "").slice(0, longestLink),
    )?.[1];
    if (found === undefined) return undefined;
    if (!URL.canParse(found, from.href)) throw this.invalidAnswer(from, "a next page at no usable address");
    return new URL(found, from);
  }

  private parseJson(url: URL, text: string): unknown {
    try {
      return JSON.parse(text);
    } catch {
      // Not passed on as the cause: it quotes the text.
      throw this.invalidAnswer(url, "a text that is not valid JSON");
    }
  }

  private async send(
    url: URL,
    headers: Readonly<Record<string, string>>,
    watch: HubWatch,
  ): Promise<Response> {
    const all: Record<string, string> = {
      "user-agent": "sparse-encoder",
      // Sizes and ranges refer to the file, not to a compressed form of it.
      "accept-encoding": "identity",
      ...headers,
    };
    if (this.token !== undefined && this.isHub(url)) all.authorization = `Bearer ${this.token}`;
    const proxy = fetchKnowsProxies() ? undefined : proxyFor(url);
    watch.start();
    try {
      return await fetchVia(proxy, url, all, watch.signal);
    } catch (thrown) {
      if (thrown instanceof TransientFailure || SparseEncoderError.is(thrown)) throw thrown;
      const doing = `${this.shown(url)} cannot be reached${through(proxy)}`;
      throw watch.failure(thrown, doing, this.token);
    }
  }

  private async *chunks(response: Response, url: URL, watch: HubWatch): AsyncGenerator<Uint8Array> {
    if (response.body === null) return;
    const reader = response.body.getReader();
    try {
      for (;;) {
        watch.start();
        const part = await reader.read().catch((thrown: unknown) => {
          throw watch.failure(thrown, `The answer of ${this.shown(url)} broke off`, this.token);
        });
        // Time that the caller takes is not the server's.
        watch.stop();
        if (part.done) return;
        watch.progress(part.value.length);
        yield part.value;
      }
    } finally {
      watch.stop();
      // Frees the connection if the caller stopped early; fails, to no effect, if the body did.
      await reader.cancel().catch(() => {});
    }
  }
}

async function fetchVia(
  proxy: ForwardProxy | undefined,
  url: URL,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<Response> {
  if (proxy === undefined) return fetch(url, { headers, redirect: "manual", signal });
  // Loaded where it is needed: most processes have no proxy.
  const { fetchThrough } = await import("./proxy/fetch-through.ts");
  return fetchThrough(proxy, url, headers, signal);
}

async function discard(response: Response): Promise<void> {
  // A body that already failed or is being read cannot be cancelled, which changes nothing.
  await response.body?.cancel().catch(() => {});
}

function checkEndpoint(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.search || url.hash) {
    throw invalidArgument('endpoint (or HF_ENDPOINT) must be an address such as "https://huggingface.co".');
  }
  if (url.username || url.password) {
    // Not shown: it holds a password.
    throw invalidArgument("endpoint (or HF_ENDPOINT) must not hold a user name or a password. Pass a token.");
  }
  return url.href.replace(/\/+$/, "");
}

function checkToken(token: string | undefined): string | undefined {
  // fetch names the whole header in its error if a character cannot be sent.
  if (token !== undefined && !/^[\x21-\x7e]+$/.test(token)) {
    throw invalidArgument(
      "The token (option token, HF_TOKEN or the token file) holds a blank or another character that no token has.",
    );
  }
  return token;
}
