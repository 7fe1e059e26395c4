import { existsSync } from "node:fs";
import { homedir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { invalidArgument, received } from "../../errors.ts";
import { isRepositoryName } from "./name.ts";

/** A model that a caller named. */
export interface ModelAddress {
  /** Path of a folder, or name on the hub. */
  readonly model: string;
  /** Revision that the address names; undefined for none. */
  readonly revision?: string | undefined;
}

/** Hosts of the hub whose pages people copy the address of. */
const hubHosts = ["huggingface.co", "www.huggingface.co", "hf.co"];

/**
 * Reads what a caller named a model by: a path, a name, a `file:` URL, the address of a model's page on the hub (also of one of its
 * revisions or files), or a path below the home folder (`~/…`).
 *
 * @throws SparseEncoderError `INVALID_ARGUMENT` for the address of another place
 */
export function readModelAddress(call: string, given: string): ModelAddress {
  // As people copy it.
  const text = /^[^./\\\s]/.test(given.trim()) ? given.trim() : given;
  if (text.startsWith("~/")) return { model: path.join(homedir(), text.slice(2)) };
  if (/^file:/i.test(text)) return { model: filePath(call, text) };
  // One letter before the colon is a drive of Windows.
  const [scheme] = /^[a-z][\w+.-]+(?=:)/i.exec(text) ?? [];
  if (scheme === undefined) return readName(call, text);
  if (/^hf$/i.test(scheme)) return { model: text.slice("hf://".length) };
  const address = /^https?$/i.test(scheme) && URL.canParse(text) ? new URL(text) : undefined;
  if (address === undefined || !hubHosts.includes(address.hostname)) throw unknownAddress(call, text);
  const parts = address.pathname.split("/").filter((part) => part !== "");
  const [owner, named, kind, revision] = parts[0] === "api" && parts[1] === "models" ? parts.slice(2) : parts;
  const name = named?.replace(/\.git$/, "");
  if (owner === undefined || name === undefined || ["datasets", "spaces", "docs", "api"].includes(owner)) {
    throw unknownAddress(call, text);
  }
  const hasRevision = kind === "tree" || kind === "blob" || kind === "resolve";
  return { model: `${owner}/${name}`, revision: hasRevision ? revision : undefined };
}

/** A path, or a name on the hub, as some programs write it: with the host in front, or a revision behind. */
function readName(call: string, text: string): ModelAddress {
  const [host = ""] = text.split("/", 1);
  if (hubHosts.includes(host)) return readModelAddress(call, `https://${text}`);
  const [, name, revision] = /^([\w.-]+\/[\w.-]+)[@:]([\w./-]+)$/.exec(text) ?? [];
  if (name !== undefined && isRepositoryName(name) && !existsSync(text)) return { model: name, revision };
  const [, cached] = /^models--([\w.-]+)$/.exec(text) ?? [];
  if (cached !== undefined && !existsSync(text)) return { model: cached.replaceAll("--", "/") };
  return { model: text };
}

function filePath(call: string, text: string): string {
  try {
    return fileURLToPath(text);
  } catch (cause) {
    throw invalidArgument(
      `${call}: ${received(text)} is not the address of a folder: ${(cause as Error).message}.`,
    );
  }
}

function unknownAddress(call: string, text: string): Error {
  return invalidArgument(
    `${call}: ${received(text)} is not the address of a model. Name a folder, a model of the hub such as naver/splade-v3, or its page, https://huggingface.co/naver/splade-v3.`,
  );
}
