// Runs before a package of this workspace is packed or published: builds it after the packages that it needs, and refuses every package manager but pnpm, since the
// others leave "workspace:" and "catalog:" in package.json, which nobody can install.
import { execFileSync } from "node:child_process";

const agent = process.env.npm_config_user_agent ?? "";
if (!agent.startsWith("pnpm/")) {
  process.stderr.write(
    `Pack and publish with pnpm: ${agent.split(" ")[0] || "this command"} would keep the versions "workspace:^" and "catalog:", ` +
      "which nobody can install. Run: pnpm pack, or pnpm publish.\n",
  );
  process.exit(1);
}
// Tests pack what was built before them, several at a time.
if (process.env.PREPACK_BUILD !== "skip") {
  const filter = `${process.env.npm_package_name}...`;
  execFileSync("pnpm", ["--filter", filter, "run", "build"], { stdio: "inherit", shell: true });
}
