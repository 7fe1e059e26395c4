import { stat } from "node:fs/promises";
import { invalidArgument, received } from "../../errors.ts";

/** One half of a repository name: starts and ends with a letter, a digit or `_`, at most 96 characters. */
const namePart = /^\w(?:[\w.-]{0,94}\w)?$/;

/**
 * True for a text that the hub accepts as a repository name: `name` or `organization/name` of ASCII letters,
 * digits, `-`, `_` and `.`, each part at most 96 characters, without `--` and `..`, not ending in `.git`. The
 * rules follow `validate_repo_id` in huggingface_hub.
 */
export function isRepositoryName(text: string): boolean {
  const parts = text.split("/");
  return (
    parts.length <= 2 &&
    parts.every((part) => namePart.test(part)) &&
    !/--|\.\./.test(text) &&
    !text.endsWith(".git")
  );
}

/**
 * True if a model given as `text` is to be fetched from the hub; false if `text` is the path of a folder.
 *
 * A folder that exists is a folder. A text that starts with `.`, `/`, `~` or a drive letter, or that ends in a
 * separator, is always a path. Anything else is a hub name if it is a valid repository name.
 */
export async function isHubName(text: string): Promise<boolean> {
  // A valid name cannot look like a path: it has no leading `.`, `/` or `~`, no `:`, no `\`, no separator at its end.
  if (!isRepositoryName(text)) return false;
  const found = await stat(text).catch(() => undefined);
  return found?.isDirectory() !== true;
}

/** @throws SparseEncoderError `INVALID_ARGUMENT` */
export function checkRepositoryName(text: unknown): string {
  if (typeof text === "string" && isRepositoryName(text)) return text;
  throw invalidArgument(
    `A model of the hub is named "name" or "organization/name" (letters, digits, "-", "_", "."; no "--" or ".."; at most 96 characters each), received ${received(text)}.`,
  );
}

/**
 * Returns a branch, tag, pull request (`refs/pr/1`) or commit if it can be one.
 * @throws SparseEncoderError `INVALID_ARGUMENT`
 */
export function checkRevision(text: unknown): string {
  // What git refuses in a reference, beyond what would leave the cache folder.
  const refused = /[\s~^:?*[\p{Cc}]|\.\.|@\{|\.lock$|\.$/u;
  if (typeof text === "string" && isSafePath(text) && !refused.test(text)) return text;
  throw invalidArgument(`revision must be a branch, a tag or a commit, received ${received(text)}.`);
}

/**
 * True for a path that stays inside the folder it is joined to, on any operating system: relative, with `/` as
 * its separator, and without `.`, `..`, empty parts, drive letters and NUL.
 */
export function isSafePath(path: string): boolean {
  return (
    !/[\\\0]/.test(path) &&
    path.split("/").every((part) => part !== "" && part !== "." && part !== ".." && !/^[A-Za-z]:/.test(part))
  );
}

/** True for the full name of a commit. */
export function isCommit(text: string): boolean {
  return /^[0-9a-f]{40}$/.test(text);
}
