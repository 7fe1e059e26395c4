import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Ignored by git; removing it is safe. */
const folder = fileURLToPath(new URL("../../.services/", import.meta.url));

/** Installs the servers into a Python environment of their own, once; gives the folder of its packages. */
export async function installServers(): Promise<string> {
  const requirements = await readFile(new URL("requirements.txt", import.meta.url), "utf8");
  const environment = path.join(folder, "python");
  const done = path.join(environment, "requirements.txt");
  if (!existsSync(done) || (await readFile(done, "utf8")) !== requirements) {
    await rm(environment, { recursive: true, force: true });
    await mkdir(folder, { recursive: true });
    await run("python3", ["-m", "venv", environment]);
    const pip = path.join(environment, "bin", "pip");
    await run(pip, ["install", "-q", "-r", fileURLToPath(new URL("requirements.txt", import.meta.url))], {
      maxBuffer: 1 << 26,
    });
    await writeFile(done, requirements);
  }
  const [version] = await readdir(path.join(environment, "lib"));
  return path.join(environment, "lib", version!, "site-packages");
}
