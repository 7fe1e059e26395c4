import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { root } from "../helpers/package-install.ts";

const core = path.join(root, "packages/core");

/**
 * Makes a project with the built core package and its dependencies, and with nothing else: no clients of engines, and no
 * package manager took part.
 *
 * @param absent dependencies to leave out
 */
export function makeBareProject(project: string, absent: readonly string[] = []): string {
  const modules = path.join(project, "node_modules");
  const installed = path.join(modules, "@sparse-encoder/core");
  mkdirSync(installed, { recursive: true });
  for (const name of ["dist", "models", "package.json"])
    cpSync(path.join(core, name), path.join(installed, name), { recursive: true });
  const { dependencies } = JSON.parse(readFileSync(path.join(core, "package.json"), "utf8")) as {
    dependencies: Record<string, string>;
  };
  for (const name of Object.keys(dependencies).filter((dependency) => !absent.includes(dependency)))
    symlinkSync(path.join(core, "node_modules", name), path.join(modules, name), "junction");
  writeFileSync(path.join(project, "package.json"), JSON.stringify({ name: "project", private: true }));
  return project;
}
