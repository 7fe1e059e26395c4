import { describe, expect, it } from "vitest";
import { describePlatform, missingBinary, type Platform } from "./platform.ts";

const linux: Platform = { system: "linux", architecture: "x64", libc: "glibc", libcVersion: "2.36" };
const other = (changes: Partial<Platform>): Platform => ({ ...linux, libcVersion: undefined, ...changes });

describe("the message for a binary that is absent", () => {
  it("asks to install again on a platform that has one", () => {
    const message = missingBinary("tokenizers", linux, "Cannot find native binding");
    expect(message).toContain("tokenizers has no binary here that fits linux x64 glibc 2.36");
    expect(message).toContain("Cannot find native binding");
    expect(message).toContain("Install the packages again on this machine");
  });

  it.each([
    ["Alpine", other({ libc: "musl" }), "linux x64 musl", "node:22-slim"],
    [
      "an Intel Mac",
      other({ system: "darwin", libc: undefined }),
      "darwin x64",
      "on an Intel Mac, run Linux",
    ],
    ["FreeBSD", other({ system: "freebsd", libc: undefined }), "freebsd x64", "container"],
    ["Linux on s390x", other({ architecture: "s390x" }), "linux s390x glibc", "container"],
  ])("names what runs in place of %s", (_, platform, name, advice) => {
    const message = missingBinary("onnxruntime-node", platform, "dlopen failed");
    expect(message).toContain(`fits ${name}`);
    expect(message).toContain("There is none for it.");
    expect(message).toContain(advice);
    expect(message).toContain("macOS on Apple silicon");
  });
});

it("describes the machine of this process", () => {
  const { system, architecture, libc } = describePlatform();
  expect([system, architecture]).toEqual([process.platform, process.arch]);
  expect(libc === undefined).toBe(process.platform !== "linux");
});
