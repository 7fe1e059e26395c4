import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, it } from "vitest";
import { root } from "../helpers/package-install.ts";

/** What Node and TypeScript read themselves, and so also from an archive; native code opens the rest by its path. */
const readByNode = /\.(js|d\.ts|js\.map|md)$|^LICENSE$|(^|\/)package\.json$/;

function packedFiles(folder: string): string[] {
  const output = execFileSync("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], {
    cwd: folder,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
    shell: process.platform === "win32",
  });
  const [{ files }] = JSON.parse(output) as [{ files: { path: string }[] }];
  return files.map((file) => file.path);
}

it.each([
  ["core", true],
  ["langchain", false],
  ["llamaindex", false],
])("%s asks Yarn Plug'n'Play to unpack it if native code reads its files: %s", (name, unpacked) => {
  const folder = path.join(root, "packages", name);
  const manifest = JSON.parse(readFileSync(path.join(folder, "package.json"), "utf8")) as {
    preferUnplugged?: boolean;
  };
  expect(packedFiles(folder).some((file) => !readByNode.test(file))).toBe(unpacked);
  expect(manifest.preferUnplugged ?? false).toBe(unpacked);
});
