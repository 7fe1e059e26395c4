import { execFileSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

/** Whether this process may mount a file system of its own. */
export async function canMount(): Promise<boolean> {
  if (process.platform !== "linux") return false;
  const folder = await mkdtemp(path.join(tmpdir(), "can-mount-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=256k", "tmpfs", folder], { stdio: "ignore" });
    execFileSync("umount", [folder], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  } finally {
    await rm(folder, { recursive: true });
  }
}
