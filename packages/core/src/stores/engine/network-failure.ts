/** Codes of errors that say that the server was not reached, or that the connection to it ended. */
const connectionCodes = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "ECONNABORTED",
  "EPIPE",
  "ETIMEDOUT",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "UND_ERR_SOCKET",
  "UND_ERR_CONNECT_TIMEOUT",
  "UND_ERR_HEADERS_TIMEOUT",
  "UND_ERR_BODY_TIMEOUT",
]);

/** The code of an error, or of the one below it that has one of the network. */
export function codeOf(error: unknown): string | undefined {
  for (let at: unknown = error, depth = 0; typeof at === "object" && at !== null && depth < 5; depth++) {
    const { code, cause, errors } = at as { code?: unknown; cause?: unknown; errors?: unknown };
    if (typeof code === "string") return code;
    at = cause ?? (Array.isArray(errors) ? errors[0] : undefined);
  }
  return undefined;
}

/** Whether the network or the server's socket failed, so that another try may do better. */
export function isConnectionFailure(error: unknown): boolean {
  return connectionCodes.has(codeOf(error) ?? "");
}

/** What the TLS of Node says of a certificate that it does not trust. */
const certificateProblem =
  /\b(CERT_[A-Z_]+|DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_(GET|VERIFY)_[A-Z_]+|ERR_TLS_CERT_ALTNAME_INVALID)\b|self-signed certificate|unable to (get|verify) .*certificate|certificate has expired|certificate's altnames/;

/**
 * What to do about a certificate of the server that is not trusted, for `adviceOf`.
 * @param trust how a private authority is trusted, such as "give it in tls: { ca }"
 */
export function certificateAdvice(
  error: unknown,
  trust: string,
): readonly [applies: boolean, advice: string] {
  const text = `${codeOf(error) ?? ""} ${messageOf(error)} ${messageOf((error as { cause?: unknown } | undefined)?.cause ?? "")}`;
  const isName = /ALTNAME|altnames/.test(text);
  return [
    certificateProblem.test(text),
    isName
      ? "The server's certificate is for another name: use the name that it is for, or give the server one for this name."
      : `The server's certificate is not trusted: if a private authority signed it, ${trust}.`,
  ];
}

/** What an error says, without the passwords and keys that a client may have put into it. */
export function messageOf(error: unknown, secrets: readonly string[] = []): string {
  const { message, errors } = error as { message?: unknown; errors?: unknown };
  let text = typeof message === "string" ? message : "";
  if (text === "" && Array.isArray(errors)) text = errors.map((one) => messageOf(one)).join("; ");
  if (text === "") text = codeOf(error) ?? String(error);
  for (const secret of secrets) if (secret !== "") text = text.replaceAll(secret, "***");
  text = text.replace(/\/\/[^/@\s]*@/g, "//***@").replace(/\s+/g, " ");
  return text.length > 500 ? `${text.slice(0, 500)}…` : text;
}
