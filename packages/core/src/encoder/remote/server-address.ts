import { invalidArgument, received } from "../../errors.ts";

/** Where a server is, and what it is to be told of the caller. */
export interface ServerAddress {
  /** Without credentials, with a path that ends in a slash. */
  readonly url: URL;
  /** The value of the header `authorization`; undefined for none. */
  readonly authorization: string | undefined;
  /** What may stand in no message. */
  readonly secrets: readonly string[];
}

/**
 * The addresses of one server, or of several.
 * @throws SparseEncoderError `INVALID_ARGUMENT`, without what looks like a password
 */
export function parseAddresses(call: string, given: unknown, apiKey: string | undefined): ServerAddress[] {
  if (!Array.isArray(given)) return [parseAddress(call, "url", given, apiKey)];
  if (given.length === 0) throw invalidArgument(`${call}: give the address of at least one server.`);
  const addresses = given.map((one, place) => parseAddress(call, `url ${place + 1}`, one, apiKey));
  const twice = addresses.find(
    ({ url }, place) => addresses.findIndex((other) => other.url.href === url.href) !== place,
  );
  if (twice !== undefined) throw invalidArgument(`${call}: ${twice.url.href} is given twice.`);
  return addresses;
}

function parseAddress(call: string, name: string, value: unknown, apiKey: string | undefined): ServerAddress {
  const text = value instanceof URL ? value.href : value;
  const url = typeof text === "string" && URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== "http:" && url?.protocol !== "https:") {
    const shown = typeof text === "string" ? text.replace(/\/\/[^/]*@/, "//***@") : text;
    throw invalidArgument(
      `${call}: ${name} must be an address such as http://localhost:8080, received ${received(shown)}.`,
    );
  }
  const { username, password } = url;
  const hasUser = username !== "" || password !== "";
  if (hasUser && apiKey !== undefined) {
    throw invalidArgument(`${call}: give an apiKey, or a user and a password in the address, not both.`);
  }
  const user = hasUser ? `${decoded(username)}:${decoded(password)}` : undefined;
  const basic = user && Buffer.from(user).toString("base64");
  // The path of a route goes behind the path of the address; a query would be lost in silence.
  if (url.search !== "" || url.hash !== "") {
    throw invalidArgument(`${call}: ${name} must have no query and no fragment; ${url.origin} has one.`);
  }
  url.username = "";
  url.password = "";
  if (!url.pathname.endsWith("/")) url.pathname += "/";
  const authorization = basic === undefined ? apiKey && `Bearer ${apiKey}` : `Basic ${basic}`;
  const secrets = [apiKey, basic, password, decoded(password)];
  return {
    url,
    authorization,
    secrets: secrets.filter((secret) => secret !== undefined && secret !== "") as string[],
  };
}

/** A part of an address may have a percent sign that stands for itself. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
