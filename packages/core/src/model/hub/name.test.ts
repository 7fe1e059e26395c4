import { describe, expect, it } from "vitest";
import { checkRepositoryName, checkRevision, isHubName, isRepositoryName, isSafePath } from "./name.ts";

describe("names", () => {
  it.each(["bert", "naver/splade-v3", "_a/b_", "A.b-c_1/x", "a".repeat(96), `o/${"n".repeat(96)}`])(
    "accepts the repository %s",
    (name) => {
      expect(isRepositoryName(name)).toBe(true);
    },
  );

  it.each([
    "",
    "a/b/c",
    "a//b",
    "/a",
    "a/",
    "./a",
    "../a",
    "~/a",
    "C:/a",
    "C:\\a",
    "a\\b",
    "a--b/c",
    "a..b",
    ".a",
    "a.",
    "-a",
    "a-",
    "a.git",
    "a b",
    "café",
    "a\n",
    "a\0b",
    "a".repeat(97),
  ])("refuses the repository %j", async (name) => {
    expect(isRepositoryName(name)).toBe(false);
    expect(await isHubName(name)).toBe(false);
    expect(() => checkRepositoryName(name)).toThrow("received");
  });

  it("takes an existing folder for a folder, and another valid name for a model of the hub", async () => {
    expect(await isHubName("test")).toBe(false);
    expect(await isHubName("packages/core")).toBe(false);
    expect(await isHubName("packages/no-such-package")).toBe(true);
    expect(await isHubName("package.json")).toBe(true);
  });

  it.each([
    "",
    "../main",
    "a/../b",
    "/main",
    "a\\b",
    "C:x",
    "a b",
    "a..b",
    "a:b",
    "a\0",
    "main/",
    "x.lock",
    5,
  ])("refuses the revision %j", (revision) => {
    expect(() => checkRevision(revision)).toThrow("revision must be");
  });

  it.each(["main", "v1.0", "refs/pr/1", "feature/a-b_c", "0123abc", "0".repeat(40)])(
    "accepts the revision %s",
    (revision) => {
      expect(checkRevision(revision)).toBe(revision);
    },
  );

  it.each(["config.json", "1_Pooling/config.json", "a b/ü#?%.json", "..a/b.."])(
    "keeps the path %j inside its folder",
    (path) => {
      expect(isSafePath(path)).toBe(true);
    },
  );
});
