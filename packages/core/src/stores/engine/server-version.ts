import { received, SparseEncoderError } from "../../errors.ts";

/** What a store needs of its server. */
export interface NeededVersion {
  /** Name of the store. */
  readonly store: string;
  /** Name of the server, for the message. */
  readonly server: string;
  /** The first version that will do: its major and minor number. */
  readonly minimum: readonly [major: number, minor: number];
}

/**
 * Checks the version that a server says it is. A version that is not a number, as of a build from source, passes.
 * @throws SparseEncoderError `STORE_UNSUPPORTED`
 */
export function checkServerVersion({ store, server, minimum }: NeededVersion, found: unknown): void {
  const [major, minor] = typeof found === "string" ? (/^v?(\d+)\.(\d+)/.exec(found)?.slice(1) ?? []) : [];
  if (major === undefined) return;
  const [leastMajor, leastMinor] = minimum;
  if (Number(major) > leastMajor || (Number(major) === leastMajor && Number(minor) >= leastMinor)) return;
  throw new SparseEncoderError(
    "STORE_UNSUPPORTED",
    `The ${store} store needs ${server} ${minimum.join(".")} or later; the server is version ${received(found)}. Update the server.`,
  );
}

/**
 * What a server answers to a question that a user may not be allowed to ask; undefined if it refuses. Failures that are no
 * refusal are thrown.
 */
export async function askIfAllowed<Result>(ask: () => Promise<Result>): Promise<Result | undefined> {
  try {
    return await ask();
  } catch (error) {
    const { status, statusCode } = error as { status?: unknown; statusCode?: unknown };
    if ([403, 404, 405].includes(Number(status ?? statusCode))) return undefined;
    throw error;
  }
}
