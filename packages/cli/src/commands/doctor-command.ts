import { Command } from "commander";
import { examples } from "./examples.ts";

export function doctorCommand(): Command {
  return new Command("doctor")
    .summary("check this machine")
    .description(
      "Check what the library needs and can use here: versions, devices, the cache, optional packages; and say how to get what is missing.",
    )
    .option("--json", "write the checks as JSON")
    .addHelpText("after", examples("sparse-encoder doctor", "sparse-encoder doctor --json"))
    .action(async (options) => {
      const { doctor } = await import("../doctor/doctor.ts");
      await doctor(options);
    });
}
