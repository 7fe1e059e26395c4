// Installs an application of examples/apps with the packages of this checkout, and starts it.
// Usage: pnpm run example express-search
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const apps = path.join(root, "examples/apps");
const names = readdirSync(apps).filter((name) => existsSync(path.join(apps, name, "package.json")));
const [name, ...rest] = process.argv.slice(2).filter((argument) => argument !== "--");
if (!names.includes(name)) {
  process.stderr.write(`Name an application: ${names.join(", ")}. Received: ${name ?? "nothing"}.\n`);
  process.exit(2);
}

const packed = mkdtempSync(path.join(tmpdir(), "sparse-encoder-example-"));
const isWindows = process.platform === "win32";
const run = (command, args, cwd) =>
  execFileSync(command, args, { cwd, shell: isWindows, stdio: ["ignore", "ignore", "inherit"] });
try {
  for (const name of ["core", "langchain", "llamaindex"]) {
    run("npx", ["-y", "pnpm@12", "pack", "--pack-destination", packed], path.join(root, "packages", name));
  }
  const archives = readdirSync(packed).map((file) => path.join(packed, file));
  // Only the packages that the application names; install scripts would download CUDA.
  const { dependencies } = JSON.parse(
    execFileSync(process.execPath, ["-p", `JSON.stringify(require("./package.json"))`], {
      cwd: path.join(apps, name),
      encoding: "utf8",
    }),
  );
  const used = archives.filter((file) =>
    Object.keys(dependencies).some((name) =>
      path.basename(file).startsWith(`${name.slice(1).replace("/", "-")}-`),
    ),
  );
  const flags = ["--no-save", "--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund"];
  run("npm", ["install", ...flags, ...used], path.join(apps, name));
} finally {
  rmSync(packed, { recursive: true });
}
const app = spawn("npm", ["start", "--silent", "--", ...rest], {
  cwd: path.join(apps, name),
  stdio: "inherit",
  shell: isWindows,
});
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => app.kill(signal));
app.on("exit", (code) => process.exit(code ?? 1));
