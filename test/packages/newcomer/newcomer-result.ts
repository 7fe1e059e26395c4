import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** What following a page took. */
export interface NewcomerResult {
  readonly page: string;
  readonly installSeconds: number;
  /** From the start of the program to its end, all its calls included. */
  readonly runSeconds: number;
}

export interface NewcomerReport {
  readonly system: string;
  /** Day of the run, as 2026-01-31. */
  readonly date: string;
  readonly results: readonly NewcomerResult[];
}

/** Where the last run is kept. */
export const newcomerFile = fileURLToPath(new URL("../newcomer.json", import.meta.url));

/** The last run as a section of docs/compatibility.md; nothing if there was none. */
export function newcomerSection(): string {
  if (!existsSync(newcomerFile)) return "";
  const { system, date, results } = JSON.parse(readFileSync(newcomerFile, "utf8")) as NewcomerReport;
  const rows = results.map(({ page, installSeconds, runSeconds }) => {
    const minutes = ((installSeconds + runSeconds) / 60).toFixed(1);
    return `| ${page} | ${installSeconds.toFixed(0)} | ${runSeconds.toFixed(1)} | ${minutes} |`;
  });
  return [
    "## A newcomer's first result\n",
    "Each page was followed in an empty folder, with an empty cache of npm: `npm install` of the packed packages, and then the code of",
    "the page, to its end. `pnpm measure:newcomer` runs it and writes this table.\n",
    `Machine: ${system}, 2 cores that other work loaded. Day: ${date}. \`ONNXRUNTIME_NODE_INSTALL=skip\`.\n`,
    "| page | install, s | program, s | together, minutes |",
    "| - | - | - | - |",
    ...rows,
    "",
  ].join("\n");
}
