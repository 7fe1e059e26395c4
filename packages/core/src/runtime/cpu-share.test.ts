import { availableParallelism } from "node:os";
import { describe, expect, it } from "vitest";
import { coreShare } from "./cpu-share.ts";

const files = (content: Readonly<Record<string, string>>) => (file: string) => {
  const text = content[file];
  if (text === undefined) throw new Error("ENOENT");
  return text;
};
const all = availableParallelism();

describe("coreShare", () => {
  it("is all cores that the process may run on without a quota", () => {
    expect(coreShare(files({}))).toBe(all);
    expect(coreShare(files({ "/sys/fs/cgroup/cpu.max": "max 100000\n" }))).toBe(all);
    expect(coreShare(files({ "/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n" }))).toBe(all);
  });

  it.each([
    ["100000 100000", 1],
    ["50000 100000", 1],
    ["10000 100000", 1],
    ["200000 100000", Math.min(2, all)],
    ["160000 100000", Math.min(2, all)],
    ["140000 100000", 1],
    ["99900000 100000", all],
  ])("is limited by the quota %s of control groups, rounded", (quota, cores) => {
    expect(coreShare(files({ "/sys/fs/cgroup/cpu.max": `${quota}\n` }))).toBe(cores);
  });

  it("reads the older version of control groups", () => {
    const older = {
      "/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "60000\n",
      "/sys/fs/cgroup/cpu/cpu.cfs_period_us": "50000\n",
    };
    expect(coreShare(files(older))).toBe(1);
  });
});
