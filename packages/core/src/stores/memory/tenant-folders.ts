import { mkdir } from "node:fs/promises";
import path from "node:path";
import { pause } from "../../calls/index.ts";
import { storageError, syncFolder, WriterLock } from "../../disk/index.ts";
import { SparseEncoderError } from "../../errors.ts";
import { checkTenancy, tenantKey } from "../tenant.ts";
import { hasTenants, listFiles, tenantsName } from "./folder-files.ts";

/** Tries to give a folder tenants while another process has its lock. */
const maximumTries = 20;

/** Milliseconds before another try. */
const delay = 25;

/**
 * Where the files of a store are: the folder itself, or the folder of its tenant within it. A folder that has no store yet
 * gets tenants if one is named.
 *
 * @param readOnly true to make nothing
 * @throws SparseEncoderError `STORE_MISMATCH` for a folder with tenants where none is named, and the other way round;
 * `STORE_LOCKED`, `STORE_FAILED`
 */
export async function findPlace(
  folder: string,
  tenant: string | undefined,
  readOnly: boolean,
): Promise<string> {
  try {
    if (tenant === undefined) {
      checkTenancy(`The folder ${folder}`, await hasTenants(folder), tenant);
      return folder;
    }
    await checkTenants(folder, tenant, readOnly);
    return path.join(folder, tenantsName, tenantKey(tenant));
  } catch (error) {
    throw storageError(error, `The store in ${folder} cannot be opened`);
  }
}

async function checkTenants(folder: string, tenant: string, readOnly: boolean): Promise<void> {
  for (let tries = 1; ; tries++) {
    if (await hasTenants(folder)) return;
    if (await isStore(folder)) checkTenancy(`The folder ${folder}`, false, tenant);
    if (readOnly) return;
    try {
      return await makeTenants(folder, tenant);
    } catch (error) {
      // Whoever has the lock makes tenants too, or a store without tenants: it shows soon.
      if (!SparseEncoderError.is(error, "STORE_LOCKED") || tries === maximumTries) throw error;
    }
    await pause(delay, undefined);
  }
}

/** Under the lock of the folder, so that it does not become a store without tenants meanwhile. */
async function makeTenants(folder: string, tenant: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const lock = await WriterLock.acquire(path.join(folder, "lock"));
  try {
    checkTenancy(`The folder ${folder}`, !(await isStore(folder)), tenant);
    await mkdir(path.join(folder, tenantsName), { recursive: true });
    await syncFolder(folder);
  } finally {
    await lock.release();
  }
}

async function isStore(folder: string): Promise<boolean> {
  try {
    const { snapshots, journals } = await listFiles(folder);
    return snapshots.length > 0 || journals.length > 0;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}
