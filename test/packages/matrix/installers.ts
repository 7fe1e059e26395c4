import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { run } from "../../helpers/package-install.ts";
import { type Cell, checkAnswer, programs } from "./cell.ts";

interface Installer {
  /** Package of the registry that holds the package manager, with its version. */
  readonly package: string;
  /** Where it differs in how it lays packages out. */
  readonly layout?: string;
  /** Files that it needs beside package.json. */
  readonly files?: Readonly<Record<string, string>>;
  readonly install: (project: string, tarball: string) => Promise<unknown>;
  /** Starts a file; default with node. */
  readonly start?: (project: string, file: string) => Promise<string>;
}

const npx = (project: string, ...args: string[]) => run(project, "npx", "-y", ...args);
const yarnBerry = "@yarnpkg/cli-dist@4.18.1";
const yarn = (project: string, ...args: string[]) => npx(project, "-p", yarnBerry, "yarn", ...args);

const installers: readonly Installer[] = [
  ...["10.9.9", "11.19.1", "12.2.1"].map(
    (version): Installer => ({
      package: `npm@${version}`,
      install: (project, tarball) =>
        npx(project, `npm@${version}`, "install", "--prefer-offline", "--no-audit", "--no-fund", tarball),
    }),
  ),
  ...["9.15.9", "10.34.8", "12.21.0"].map(
    (version): Installer => ({
      package: `pnpm@${version}`,
      files: { "pnpm-workspace.yaml": "packages: []\nallowBuilds:\n  onnxruntime-node: false\n" },
      install: (project, tarball) =>
        npx(project, `pnpm@${version}`, "add", "--prefer-offline", "-w", tarball),
    }),
  ),
  {
    package: "yarn@1.22.22",
    install: (project, tarball) => npx(project, "yarn@1.22.22", "add", "--silent", `file:${tarball}`),
  },
  ...(["node-modules", "pnp"] as const).map(
    (layout): Installer => ({
      package: yarnBerry,
      layout,
      files: {
        ".yarnrc.yml": `nodeLinker: ${layout}\nenableGlobalCache: true\nenableTelemetry: false\n`,
        "yarn.lock": "",
      },
      install: (project, tarball) => yarn(project, "add", `@sparse-encoder/core@file:${tarball}`),
      start: (project, file) => yarn(project, "node", file),
    }),
  ),
  {
    package: "bun@1.4.5",
    install: (project, tarball) => npx(project, "bun@1.4.5", "add", tarball),
  },
];

/** The packed core, installed by each package manager into an empty project, run as ESM and as CommonJS. */
export function installerCells(folder: string, tarball: string): Cell[] {
  return installers.flatMap((installer, number): Cell[] => {
    const row = [installer.package, installer.layout].filter((part) => part !== undefined).join(", ");
    const project = path.join(folder, `installer-${number}`);
    let installed: Promise<unknown> | undefined;
    return (["esm", "cjs"] as const).map((format) => ({
      table: "Package managers",
      row,
      column: format === "esm" ? "ESM" : "CommonJS",
      run: async () => {
        installed ??= prepare(installer, project, tarball);
        await installed;
        const start = installer.start ?? ((where, file) => run(where, process.execPath, file));
        checkAnswer(await start(project, format === "esm" ? "index.mjs" : "index.cjs"));
      },
    }));
  });
}

async function prepare({ files, install }: Installer, project: string, tarball: string): Promise<void> {
  mkdirSync(project);
  const all = {
    "package.json": JSON.stringify({ name: "project", version: "1.0.0", private: true }),
    "index.mjs": programs.esm,
    "index.cjs": programs.cjs,
    ...files,
  };
  for (const [name, content] of Object.entries(all)) writeFileSync(path.join(project, name), content);
  await install(project, tarball);
}
