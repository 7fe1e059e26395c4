import { SparseEncoderError } from "../../../errors.ts";
import { isWithoutProxy } from "./no-proxy.ts";

/** A proxy that requests go through. */
export interface ForwardProxy {
  /** Scheme, host and port; without user and password. */
  readonly url: URL;
  /** Value of `Proxy-Authorization`; undefined if the address has no user. */
  readonly authorization: string | undefined;
  /** The environment variable that names it. */
  readonly variable: string;
}

/**
 * The proxy that the environment names for an address: `HTTPS_PROXY` or `HTTP_PROXY` by its scheme, else `ALL_PROXY`; none for a
 * host of `NO_PROXY`. Names in small letters go before names in capitals, and an empty value turns a proxy off, as in curl and
 * Python.
 *
 * @throws SparseEncoderError `NETWORK` for a value that is not the address of a proxy; the value is not shown
 */
export function proxyFor(url: URL, variables: NodeJS.ProcessEnv = process.env): ForwardProxy | undefined {
  const [variable, value] =
    variableOf(`${url.protocol.slice(0, -1)}_proxy`, variables) ?? variableOf("all_proxy", variables) ?? [];
  if (variable === undefined || value === undefined || value === "") return undefined;
  const [, hosts = ""] = variableOf("no_proxy", variables) ?? [];
  return isWithoutProxy(url, hosts) ? undefined : readProxy(variable, value);
}

/** Whether `fetch` of this runtime goes through the proxies of the environment by itself. */
export function fetchKnowsProxies(versions: NodeJS.Dict<string> = process.versions): boolean {
  return versions.bun !== undefined || versions.deno !== undefined;
}

/** ` through the proxy http://proxy:3128 (HTTPS_PROXY)`, or nothing. */
export function through(proxy: ForwardProxy | undefined): string {
  return proxy === undefined ? "" : ` through the proxy ${shownProxy(proxy)}`;
}

/** A proxy in messages: never with its user and password. */
export function shownProxy({ url, variable }: ForwardProxy): string {
  return `${url.origin} (${variable})`;
}

function variableOf(
  name: string,
  variables: NodeJS.ProcessEnv,
): readonly [name: string, value: string] | undefined {
  for (const spelling of [name, name.toUpperCase()]) {
    const value = variables[spelling];
    if (value !== undefined) return [spelling, value.trim()];
  }
  return undefined;
}

function readProxy(variable: string, value: string): ForwardProxy {
  const text = value.includes("://") ? value : `http://${value}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const scheme = url?.protocol.slice(0, -1) ?? "";
  if (url === undefined || url.hostname === "" || (scheme !== "http" && scheme !== "https")) {
    const kind = /^socks/.test(scheme) ? `, not of a ${scheme} proxy` : "";
    throw new SparseEncoderError(
      "NETWORK",
      `The environment variable ${variable} must hold the address of an http or https proxy, such as http://proxy.example:3128${kind}. For connections without it, unset ${variable} or name the hosts in NO_PROXY.`,
    );
  }
  const authorization =
    url.username === "" && url.password === ""
      ? undefined
      : `Basic ${Buffer.from(`${decoded(url.username)}:${decoded(url.password)}`).toString("base64")}`;
  return { url: new URL(url.origin), authorization, variable };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // A per cent sign that was not written as %25.
    return text;
  }
}
