import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { root } from "../helpers/package-install.ts";

interface Manifest {
  name: string;
  version: string;
  author?: string;
  homepage?: string;
  bugs?: { url?: string };
  repository?: { url?: string; directory?: string };
  publishConfig?: { access?: string; provenance?: boolean };
  scripts: Record<string, string>;
  files: string[];
}

const read = (name: string) =>
  JSON.parse(readFileSync(path.join(root, "packages", name, "package.json"), "utf8")) as Manifest;

describe.each(["core", "langchain", "llamaindex", "cli"])("the package %s", (name) => {
  it("says where it comes from, and is published for all, with provenance", () => {
    const { author, homepage, bugs, repository, publishConfig } = read(name);
    const address = read("core").repository!.url!.replace(/^git\+|\.git$/g, "");
    expect(repository).toMatchObject({ url: `git+${address}.git`, directory: `packages/${name}` });
    expect({ homepage, bugs }).toEqual({ homepage: `${address}#readme`, bugs: { url: `${address}/issues` } });
    expect(author).toBeDefined();
    expect(publishConfig).toEqual({ access: "public", provenance: true });
  });

  it("has the version of all, and a changelog that begins with it", () => {
    const { version, files } = read(name);
    expect(version).toBe(read("core").version);
    expect(files).toContain("CHANGELOG.md");
    const changelog = readFileSync(path.join(root, "packages", name, "CHANGELOG.md"), "utf8");
    expect(/^## (.*)$/m.exec(changelog)?.[1]).toBe(version);
    expect(existsSync(path.join(root, "packages", name, "README.md"))).toBe(true);
  });

  it("cannot be packed by npm, which would leave the versions of this workspace in package.json", async () => {
    const packing = promisify(execFile)("npm", ["pack", "--dry-run"], {
      cwd: path.join(root, "packages", name),
      env: { ...process.env, npm_config_user_agent: undefined },
      shell: process.platform === "win32",
    });
    await expect(packing).rejects.toMatchObject({
      stderr: expect.stringContaining("Pack and publish with pnpm"),
    });
  });
});
