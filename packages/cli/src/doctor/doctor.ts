import { CommandError } from "../command-error.ts";
import { writeJson, writeLine } from "../terminal/standard-output.ts";
import { table } from "../terminal/table.ts";
import { cacheCheck, deviceCheck, encodeCheck, machineCheck, nodeCheck, packageChecks } from "./checks.ts";

/** Checks this machine. @throws CommandError if something that is needed is missing */
export async function doctor({ json }: { readonly json?: boolean | undefined }): Promise<void> {
  const checks = [
    nodeCheck(),
    machineCheck(),
    ...packageChecks(),
    await cacheCheck(),
    await deviceCheck(),
    await encodeCheck(),
  ];
  if (json) await writeJson(checks);
  else {
    const signs = { ok: "ok", missing: "-", failed: "FAILED" };
    const rows = checks.map(({ name, state, found }) => [signs[state], name, found]);
    await writeLine(table([{ heading: "" }, { heading: "check" }, { heading: "found" }], rows));
    const advice = checks.filter((check) => check.advice !== undefined);
    if (advice.length > 0) await writeLine();
    for (const check of advice) await writeLine(`${check.name}: ${check.advice}`);
  }
  if (checks.some(({ state }) => state === "failed"))
    throw new CommandError("Something that is needed does not work; see above.");
}
