import http, { type ClientRequest, type IncomingMessage, type RequestOptions } from "node:http";
import https from "node:https";
import { isIP, type Socket } from "node:net";
import { Readable } from "node:stream";
import { connect, type TLSSocket } from "node:tls";
import { createBrotliDecompress, createGunzip, createInflate } from "node:zlib";
import { SparseEncoderError } from "../../../errors.ts";
import { TransientFailure } from "../failure.ts";
import { type ForwardProxy, shownProxy } from "./proxy.ts";

/** Statuses of answers that have no body. */
const withoutBody = [204, 205, 304];

/**
 * A GET request through a proxy; redirects are not followed. For Node.js, whose `fetch` uses the proxies of the environment only
 * from version 22.21 on and only if it is told to. An `https:` address is reached through a tunnel, so that the proxy sees the
 * host, but neither path nor headers; for an `http:` address the proxy makes the request.
 *
 * @throws SparseEncoderError `NETWORK`, or `TransientFailure`, if the proxy refuses; errors of sockets as they are
 */
export async function fetchThrough(
  proxy: ForwardProxy,
  url: URL,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<Response> {
  const own = { ...headers, host: url.host };
  if (url.protocol === "http:") {
    const response = await answer(
      request(proxy, { path: url.href, headers: { ...own, ...authorizationOf(proxy) }, signal }),
    );
    if (response.statusCode === 407) throw refusal(proxy, url, response);
    return toResponse(response);
  }
  const secured = await secure(url, await openTunnel(proxy, url, signal), signal);
  const path = `${url.pathname}${url.search}`;
  return toResponse(
    await answer(http.request({ createConnection: () => secured, path, headers: own, signal })),
  );
}

/** A request to the proxy itself. */
function request({ url }: ForwardProxy, options: RequestOptions): ClientRequest {
  const { request: send } = url.protocol === "https:" ? https : http;
  // Without the shared agent, which may be told to go through a proxy itself.
  return send({ ...options, host: hostOf(url), port: portOf(url), agent: false });
}

function answer(sent: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    sent.on("response", resolve).on("error", reject).end();
  });
}

/** Has the proxy connect to the host of an address. */
function openTunnel(proxy: ForwardProxy, url: URL, signal: AbortSignal): Promise<Socket> {
  const target = `${url.hostname}:${portOf(url)}`;
  const headers = { host: target, ...authorizationOf(proxy) };
  const sent = request(proxy, { method: "CONNECT", path: target, headers, signal });
  return new Promise((resolve, reject) => {
    sent.on("connect", (response: IncomingMessage, socket: Socket, first: Buffer) => {
      if (response.statusCode === 200) {
        if (first.length > 0) socket.unshift(first);
        resolve(socket);
      } else {
        socket.destroy();
        reject(refusal(proxy, url, response));
      }
    });
    // What is not a proxy answers CONNECT like any other request.
    sent.on("response", (response) => {
      response.destroy();
      reject(refusal(proxy, url, response));
    });
    sent.on("error", reject).end();
  });
}

/** TLS with the host at the end of a tunnel; certificates are checked as in any other connection. */
function secure(url: URL, socket: Socket, signal: AbortSignal): Promise<TLSSocket> {
  const host = hostOf(url);
  return new Promise((resolve, reject) => {
    const secured = connect({
      socket,
      host,
      ...(isIP(host) === 0 && { servername: host }),
      ALPNProtocols: ["http/1.1"],
    });
    const stop = (): void => {
      secured.destroy(signal.reason instanceof Error ? signal.reason : new Error("aborted"));
    };
    signal.addEventListener("abort", stop);
    const settle = (): void => signal.removeEventListener("abort", stop);
    secured.once("secureConnect", () => {
      settle();
      resolve(secured);
    });
    // Stays, so that an error between two requests does not end the process.
    secured.on("error", (error) => {
      settle();
      reject(error);
    });
    if (signal.aborted) stop();
  });
}

function refusal(proxy: ForwardProxy, url: URL, { statusCode = 0, headers }: IncomingMessage): Error {
  const shown = shownProxy(proxy);
  if (statusCode === 407) {
    const schemes = (headers["proxy-authenticate"] ?? "")
      .split(",")
      .flatMap((part) => /^\s*([a-z]+)(?=\s|$)/i.exec(part)?.[1] ?? []);
    const others = schemes.some((scheme) => /^basic$/i.test(scheme)) ? [] : schemes;
    const got = proxy.authorization === undefined ? "got none" : "refuses the ones that it got";
    const advice =
      others.length > 0
        ? `It takes ${others.join(", ")}, and only Basic is supported here`
        : "Write them into its address, http://user:password@host:port, with %40 for @ and the like";
    return new SparseEncoderError(
      "NETWORK",
      `The proxy ${shown} wants a user name and a password, and ${got} (it answered 407). ${advice}.`,
    );
  }
  const error = new SparseEncoderError(
    "NETWORK",
    `The proxy ${shown} does not connect to ${url.host} (it answered ${statusCode}). Have the host allowed there; name it in NO_PROXY if it is reached without the proxy; or name a mirror in HF_ENDPOINT.`,
  );
  const passes = statusCode >= 500 || statusCode === 408 || statusCode === 429;
  return passes ? new TransientFailure(error) : error;
}

function authorizationOf({ authorization }: ForwardProxy): Record<string, string> {
  return authorization === undefined ? {} : { "proxy-authorization": authorization };
}

/** The answer as `fetch` gives it. */
function toResponse(message: IncomingMessage): Response {
  const headers = new Headers();
  for (const [name, values] of Object.entries(message.headersDistinct)) {
    for (const value of values ?? []) headers.append(name, value);
  }
  const status = message.statusCode ?? 0;
  if (withoutBody.includes(status)) {
    message.destroy();
    return new Response(null, { status, headers });
  }
  const body = Readable.toWeb(decompressed(message)) as ReadableStream<Uint8Array>;
  return new Response(body, { status, headers });
}

/** A body as it was before something on the way compressed it. */
function decompressed(message: IncomingMessage): Readable {
  const decoders = {
    gzip: createGunzip,
    "x-gzip": createGunzip,
    deflate: createInflate,
    br: createBrotliDecompress,
  };
  const encoding = (message.headers["content-encoding"] ?? "").trim().toLowerCase();
  if (!Object.hasOwn(decoders, encoding)) return message;
  const decoder = decoders[encoding as keyof typeof decoders]();
  message.on("error", (error) => decoder.destroy(error));
  decoder.on("close", () => message.destroy());
  return message.pipe(decoder);
}

/** A host as sockets take it: an IPv6 address without brackets. */
function hostOf(url: URL): string {
  return url.hostname.replace(/^\[(.*)\]$/, "$1");
}

function portOf(url: URL): number {
  return Number(url.port) || (url.protocol === "https:" ? 443 : 80);
}
