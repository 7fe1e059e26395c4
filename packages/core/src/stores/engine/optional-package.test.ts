import { expect, it } from "vitest";
import { importOptional } from "./optional-package.ts";

it("says which packages are missing, and the line that installs them", async () => {
  const name = "a-package-that-nobody-has";
  await expect(importOptional("A store", `${name} another`, () => import(name))).rejects.toMatchObject({
    code: "MISSING_PACKAGE",
    message: `A store needs ${name} and another. Install: npm install ${name} another`,
  });
});

it("gives what was imported, and other errors as they are", async () => {
  expect((await importOptional("A store", "node:path", () => import("node:path"))).sep).toBeTypeOf("string");
  const broken = async () => {
    throw new SyntaxError("broken");
  };
  await expect(importOptional("A store", "broken", broken)).rejects.toThrow(SyntaxError);
});
