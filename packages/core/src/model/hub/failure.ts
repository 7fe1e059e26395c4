import { SparseEncoderError, type SparseEncoderErrorCode } from "../../errors.ts";

/** What a request asks for, for messages. */
export interface HubSubject {
  readonly repository: string;
  readonly revision: string;
  /** The file, if it is one. */
  readonly file?: string;
}

/** The cause of an error that an answer of the hub led to. */
export class HubResponseError extends Error {
  /** HTTP status. */
  readonly status: number;
  /** The hub's own word for what is wrong, such as `GatedRepo`; undefined if it gave none. */
  readonly errorCode: string | undefined;

  constructor(message: string, status: number, errorCode: string | undefined) {
    super(message);
    this.name = "HubResponseError";
    this.status = status;
    this.errorCode = errorCode;
  }
}

/** A failure that another attempt may cure; never leaves the model folder's code. */
export class TransientFailure extends Error {
  /** What to throw when no attempt is left. */
  readonly error: SparseEncoderError;
  /** Milliseconds that the server asks to wait; undefined if it does not say. */
  readonly waitMs: number | undefined;

  constructor(error: SparseEncoderError, waitMs?: number) {
    super(error.message);
    this.error = error;
    this.waitMs = waitMs;
  }
}

/** An address for messages: without user, password and query, where signatures and keys are. */
export function shownUrl(url: URL, token: string | undefined): string {
  const shown = withoutToken(url.origin + url.pathname, token);
  return shown.length > longestShown ? `${shown.slice(0, longestShown)}…` : shown;
}

/** Characters of an address in messages: servers may redirect to longer ones. */
const longestShown = 300;

/** `text` without the token, wherever it came from. */
export function withoutToken(text: string, token: string | undefined): string {
  return token === undefined ? text : text.replaceAll(token, "***");
}

/** System and library codes of failures that pass by themselves. */
const transientCodes = new Set([
  "EAI_AGAIN",
  "ECONNABORTED",
  "ECONNREFUSED",
  "ECONNRESET",
  "EHOSTUNREACH",
  "ENETDOWN",
  "ENETUNREACH",
  "EPIPE",
  "ETIMEDOUT",
  "UND_ERR_BODY_TIMEOUT",
  "UND_ERR_CONNECT_TIMEOUT",
  "UND_ERR_HEADERS_TIMEOUT",
  "UND_ERR_SOCKET",
]);

/** Codes of a certificate whose issuer this process does not know. */
const unknownIssuerCodes = new Set([
  "CERT_UNTRUSTED",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
]);

const issuerHint =
  "The issuer of the certificate is not known here. Where a proxy signs connections anew, name the file of its certificate in NODE_EXTRA_CA_CERTS before the process starts.";

const offlineHint =
  "Check the connection; where it goes through a proxy, name that in HTTPS_PROXY. A model that is wholly in the cache loads without one; localFilesOnly or HF_HUB_OFFLINE=1 skips the hub.";

/** The failure of a request that got no answer, or an answer that broke off. */
export function connectionFailure(
  thrown: unknown,
  doing: string,
  token: string | undefined,
): SparseEncoderError | TransientFailure {
  const chain: { message: string; code: string | undefined }[] = [];
  for (let error = thrown; typeof error === "object" && error !== null && chain.length < 5; ) {
    const { message = "", code, cause } = error as Partial<NodeJS.ErrnoException> & { cause?: unknown };
    chain.push({ message, code });
    error = cause;
  }
  const code = chain.find((link) => link.code !== undefined)?.code;
  const texts = chain.map(({ message }) => message).filter((message) => message !== "");
  const reason = withoutToken([...new Set(texts)].join(": "), token) || String(code);
  // Errors of fetch are copied, not passed on: their messages may hold request headers and signed addresses.
  const cause = Object.assign(new Error(reason), { code });
  const hint = code !== undefined && unknownIssuerCodes.has(code) ? issuerHint : offlineHint;
  const error = new SparseEncoderError("NETWORK", `${doing}: ${reason}. ${hint}`, { cause });
  return code !== undefined && transientCodes.has(code) ? new TransientFailure(error) : error;
}

/** The failure that a status other than success means. */
export function statusFailure(
  response: Response,
  url: URL,
  subject: HubSubject,
  token: string | undefined,
  endpoint: string,
): SparseEncoderError | TransientFailure {
  const { status } = response;
  const errorCode = response.headers.get("x-error-code") ?? undefined;
  const said = withoutToken(response.headers.get("x-error-message") ?? "", token).slice(0, 200);
  const answered = `${shownUrl(url, token)} answered ${status}${said === "" ? "" : ` (${said})`}`;
  const cause = new HubResponseError(answered, status, errorCode);
  const failure = (code: SparseEncoderErrorCode, problem: string): SparseEncoderError =>
    new SparseEncoderError(code, `${problem} ${answered}.`, { cause });
  if (url.origin !== new URL(endpoint).origin) {
    // An address in the storage behind the hub lives for minutes; the next attempt asks for a new one.
    return new TransientFailure(
      failure("NETWORK", "The storage of the hub does not answer as it should. Try again later."),
      retryAfter(response.headers),
    );
  }
  const page = `${endpoint}/${subject.repository}`;
  const sent = token === undefined ? "No token was sent" : "A token was sent";
  if (errorCode === "GatedRepo" || status === 403) {
    return failure(
      "HUB_GATED",
      `The model "${subject.repository}" is there, but access to it is restricted. Ask for access on ${page}, then pass a token of that account as token or in HF_TOKEN. ${sent}.`,
    );
  }
  if (status === 401) {
    return failure(
      "HUB_UNAUTHORIZED",
      `The hub does not show the model "${subject.repository}": ${token === undefined ? "its name is wrong, or it is private" : "the token is not accepted, or may not read it"}. Check the name (a folder is given as a path, such as "./model"), and for a private model pass a token that may read it as token or in HF_TOKEN. ${sent}.`,
    );
  }
  if (status === 404) return failure("HUB_NOT_FOUND", notFound(subject, errorCode, endpoint));
  const error = failure(
    "NETWORK",
    status === 429
      ? `The hub limits the number of requests. ${sent}; with one the limit is higher. Try again later.`
      : `The hub does not answer as it should. ${status >= 500 ? "Try again later." : "Check the endpoint."}`,
  );
  const transient = status === 408 || status === 429 || status >= 500;
  return transient ? new TransientFailure(error, retryAfter(response.headers)) : error;
}

function notFound(
  { repository, revision, file }: HubSubject,
  errorCode: string | undefined,
  endpoint: string,
): string {
  if (errorCode === "RevisionNotFound") {
    return `The model "${repository}" has no revision "${revision}". Give a branch, a tag or a commit that ${endpoint}/${repository} lists.`;
  }
  if (file !== undefined && errorCode !== "RepoNotFound") {
    return `The model "${repository}" has no file "${file}" at ${revision}.`;
  }
  return `There is no model "${repository}" on ${endpoint}. Check the name; a folder is given as a path, such as "./model".`;
}

/** Milliseconds of a `Retry-After` header: a number of seconds, or a date, read by the server's own clock. */
function retryAfter(headers: Headers): number | undefined {
  const value = headers.get("retry-after");
  if (value === null) return undefined;
  if (/^\d+$/.test(value)) return Number(value) * 1000;
  const wait = Date.parse(value) - Date.parse(headers.get("date") ?? "");
  return Number.isNaN(wait) ? undefined : Math.max(0, wait);
}
