import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";

/**
 * Cores that this process may keep busy: the cores it may run on, limited by the quota of its control group, which is how
 * containers are limited and which Node 20 does not count. At least 1.
 */
export function coreShare(read: (file: string) => string = readText): number {
  const quota = cgroupQuota(read);
  return Math.max(1, Math.min(availableParallelism(), Math.floor(quota + 0.5)));
}

/** Quota in cores; Infinity without one. Version 2 of control groups first, then version 1. */
function cgroupQuota(read: (file: string) => string): number {
  const [limit, period] = attempt(() => read("/sys/fs/cgroup/cpu.max").trim().split(/\s+/)) ?? [];
  if (limit !== undefined && limit !== "max") return quotient(limit, period);
  const quota = attempt(() => read("/sys/fs/cgroup/cpu/cpu.cfs_quota_us").trim());
  // -1 stands for no limit.
  if (quota === undefined || quota.startsWith("-")) return Number.POSITIVE_INFINITY;
  return quotient(
    quota,
    attempt(() => read("/sys/fs/cgroup/cpu/cpu.cfs_period_us").trim()),
  );
}

function quotient(quota: string, period: string | undefined): number {
  const cores = Number(quota) / Number(period ?? 100_000);
  return cores > 0 ? cores : Number.POSITIVE_INFINITY;
}

/** undefined if there is no such file, as on systems without control groups. */
function attempt<Result>(read: () => Result): Result | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

function readText(file: string): string {
  return readFileSync(file, "utf8");
}
