import { SparseEncoderError } from "../../errors.ts";
import { adviceOf, storeFailed } from "../engine/engine-requests.ts";
import { certificateAdvice, codeOf, isConnectionFailure, messageOf } from "../engine/network-failure.ts";

/** What to do about the failures that users meet, by SQLSTATE or its class. */
const advice: Readonly<Record<string, string>> = {
  "28": "Check the user and the password of the connection.",
  "3D000": "Create the database, or name another one in the URL.",
  "42501": "Give this user the right to it, or let an administrator set the store up once.",
  "25006": "The server takes no writes: connect to the primary.",
  "53100": "The server's disk is full: make room, then call again.",
  "53200": "The server is out of memory: use smaller batches.",
  "53300": "The server has no connection left: lower `connections`, or raise max_connections.",
  "57014": "The statement took longer than the server or `timeout` allows: raise it, or use an index.",
  "42P01":
    "The table is gone: open the store again, by an alias that names another table, or to set this one up and add the documents again.",
  "54000": "A value is beyond a limit of the server or of one of its indexes.",
};

/** How a private authority is trusted. */
const trust = "give its certificate in tls: { ca }";

/** SQLSTATEs that another try may not meet: conflicts of transactions, restarts, no free connection. */
const passing = new Set(["40001", "40P01", "55P03", "53300", "57P01", "57P02", "57P03"]);

/** Whether another try may do better. */
export function mayPass(error: unknown): boolean {
  const code = codeOf(error) ?? "";
  // Class 08: the connection failed. The driver gives some losses of it no code.
  return (
    passing.has(code) ||
    /^08[0-9A-Z]{3}$/.test(code) ||
    isConnectionFailure(error) ||
    /Connection terminated|Client has encountered a connection error/.test(messageOf(error))
  );
}

/** The error of this library for one of the server or the driver. */
export function postgresFailure(error: unknown, secrets: readonly string[]): SparseEncoderError {
  if (SparseEncoderError.is(error)) return error;
  const code = codeOf(error) ?? "";
  const hint =
    advice[code] ?? advice[code.slice(0, 2)] ?? adviceOf([certificateAdvice(error, trust)], mayPass(error));
  const text = messageOf(error, secrets);
  const what = code === "" || text.includes(code) ? text : `${text} (${code})`;
  // The error of a driver may hold the options of the connection.
  const cause = secrets.some((secret) => secret !== "" && JSON.stringify(plain(error)).includes(secret))
    ? new Error(text)
    : error;
  return storeFailed("postgres", what, hint, cause);
}

function plain(error: unknown): unknown {
  return error instanceof Error ? { ...error, message: error.message, stack: error.stack } : String(error);
}
