import { randomBytes } from "node:crypto";
import { lstat, readlink, realpath, rename, rm, symlink } from "node:fs/promises";
import path from "node:path";
import { storageError, syncFolder } from "../../disk/index.ts";
import { received, SparseEncoderError } from "../../errors.ts";
import {
  type AliasEngine,
  type AliasResult,
  type AliasTarget,
  checkAlias,
  switchAlias,
} from "../store-alias.ts";
import { hasTenants, listFiles } from "./folder-files.ts";

/**
 * The folder that a path leads to: the path itself if no part of it is a symbolic link. A store keeps to it, whatever a link
 * names later.
 * @throws SparseEncoderError `STORE_MISMATCH` for a link to a folder that is gone
 */
export async function folderOf(place: string): Promise<string> {
  try {
    const found = await realpath(place);
    return found === path.resolve(place) ? place : found;
  } catch {
    if ((await targetOf(place)) === undefined) return place;
    throw new SparseEncoderError(
      "STORE_MISMATCH",
      `${place} is a link to a folder that is gone; let it name another one with MemoryStore.switchAlias.`,
    );
  }
}

/**
 * Checks that a path still leads to the folder that a store keeps to.
 * @throws SparseEncoderError `STORE_MISMATCH`
 */
export function checkFolderAlias(place: string, opened: string): Promise<void> {
  return checkAlias({ targetOf: (alias) => realpath(alias).catch(() => undefined) }, place, opened);
}

/** Lets a symbolic link name another folder, in one step. */
export async function switchFolder(target: AliasTarget): Promise<AliasResult> {
  if (process.platform === "win32") {
    throw new SparseEncoderError(
      "STORE_UNSUPPORTED",
      "MemoryStore.switchAlias: Windows cannot replace a link in one step.",
    );
  }
  const resolved = {
    ...target,
    alias: path.resolve(target.alias),
    to: path.resolve(target.to),
    from: target.from === undefined ? undefined : path.resolve(target.from),
  };
  try {
    return await switchAlias(folders, resolved);
  } catch (error) {
    throw storageError(error, `${target.alias} cannot be switched`);
  }
}

const folders: AliasEngine = {
  call: "MemoryStore.switchAlias",
  what: "folder",
  targetOf,
  exists: async (folder) => (await statusOf(folder)) !== undefined,
  check: async (folder) => {
    if ((await hasTenants(folder)) || (await listFiles(folder)).snapshots.length > 0) return;
    throw new SparseEncoderError("STORE_MISMATCH", `There is no store in the folder ${received(folder)}.`);
  },
  point: async (alias, to) => {
    const parent = path.dirname(alias);
    const link = `${alias}.${randomBytes(6).toString("hex")}`;
    try {
      // Relative to one folder, so that both may be moved together.
      await symlink(path.dirname(to) === parent ? path.basename(to) : to, link);
      await rename(link, alias);
    } catch (error) {
      await rm(link, { force: true });
      throw error;
    }
    await syncFolder(parent);
  },
};

/** The path that a symbolic link names; undefined for anything else. */
async function targetOf(place: string): Promise<string | undefined> {
  if ((await statusOf(place))?.isSymbolicLink() !== true) return undefined;
  return path.resolve(path.dirname(place), await readlink(place));
}

async function statusOf(place: string) {
  return lstat(place).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
}
