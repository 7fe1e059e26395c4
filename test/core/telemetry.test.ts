import { execFile, execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const run = promisify(execFile);

const load = 'import { SparseEncoder, listDevices } from "@sparse-encoder/core";';
/** The first thing that loads the runtime. */
const programs = {
  "an encoder": `${load} const encoder = await SparseEncoder.load(); await encoder.encode("a"); await encoder.close();`,
  "the list of devices": `${load} await listDevices();`,
  "a worker thread that shares the environment": `
    import { SHARE_ENV, Worker } from "node:worker_threads";
    const program = 'import("@sparse-encoder/core").then(async ({ SparseEncoder }) => {' +
      'const encoder = await SparseEncoder.load(); await encoder.encode("a"); await encoder.close(); })';
    new Worker(program, { eval: true, env: SHARE_ENV });`,
};

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "telemetry-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Where one of these is set, the runtime sends nothing by itself, and the tests would show nothing. */
const continuousIntegration = new Set([
  "CI",
  "APPVEYOR",
  "BUILDKITE",
  "CODEBUILD_BUILD_ID",
  "GITHUB_ACTIONS",
  "GITLAB_CI",
  "JENKINS_URL",
  "TEAMCITY_VERSION",
  "TF_BUILD",
  "TRAVIS",
]);

/** A home, a cache and a folder for temporary files that nothing else uses. */
function environment(choice: string | undefined): NodeJS.ProcessEnv {
  const { ORT_DISABLE_TELEMETRY: _, NODE_OPTIONS: __, ...inherited } = process.env;
  const variables = Object.fromEntries(
    Object.entries(inherited).filter(([name]) => !continuousIntegration.has(name)),
  );
  const folders = ["HOME", "XDG_CACHE_HOME", "TMPDIR"].map(
    (name) => [name, path.join(folder, name)] as const,
  );
  for (const [, name] of folders) mkdirSync(name, { recursive: true });
  return {
    ...variables,
    ...Object.fromEntries(folders),
    ...(choice === undefined ? {} : { ORT_DISABLE_TELEMETRY: choice }),
  };
}

/** What the runtime's telemetry leaves behind as soon as the runtime is loaded: its log and the folder of its device id. */
function traces(): string[] {
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" });
  return names.filter((name) => /mat-debug-\d+\.log$|Microsoft$/.test(name));
}

describe.runIf(process.platform === "linux")(
  "the runtime's telemetry, by what it leaves behind on Linux",
  () => {
    it.each(Object.entries(programs))("is off for %s", async (_, program) => {
      await run(process.execPath, ["--input-type=module", "--eval", program], {
        cwd: root,
        env: environment(undefined),
      });
      expect(traces()).toEqual([]);
    });

    it.each(["1", "true"])("stays off where the user says %s", async (choice) => {
      const program = `${programs["an encoder"]} process.stdout.write(process.env.ORT_DISABLE_TELEMETRY);`;
      const { stdout } = await run(process.execPath, ["--input-type=module", "--eval", program], {
        cwd: root,
        env: environment(choice),
      });
      expect(stdout).toBe(choice);
      expect(traces()).toEqual([]);
    });

    it("is on where the user asks for it", async () => {
      await run(process.execPath, ["--input-type=module", "--eval", programs["an encoder"]], {
        cwd: root,
        env: environment("0"),
      });
      expect(traces()).toHaveLength(2);
    });
  },
);

it.runIf(hasStrace())("asks no name server and opens no connection, as strace sees it", async () => {
  const log = path.join(folder, "calls");
  // Where telemetry is on, the first question comes some 20 s after the runtime was loaded.
  const program = `${load} const encoder = await SparseEncoder.load(); await encoder.encode("a");
    await new Promise((resolve) => setTimeout(resolve, 25000)); await encoder.close();`;
  await run(
    "strace",
    ["-f", "-qq", "-e", "trace=connect,sendto,sendmsg,sendmmsg", "-o", log, process.execPath].concat(
      "--input-type=module",
      "--eval",
      program,
    ),
    { cwd: root, env: environment(undefined) },
  );
  const calls = readFileSync(log, "utf8").split("\n");
  expect(calls.filter((call) => /AF_INET|resolv|nscd/.test(call))).toEqual([]);
});

function hasStrace(): boolean {
  try {
    execFileSync("strace", ["-qq", "-o", "/dev/null", "true"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
