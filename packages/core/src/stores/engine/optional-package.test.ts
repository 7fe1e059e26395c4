import { expect, it } from "vitest";
import { notInstalled } from "./optional-package.ts";

it("says which packages are missing, and the line that installs them", async () => {
  const name = "a-package-that-nobody-has";
  await expect(import(name).catch(notInstalled("A store", `${name} another`))).rejects.toMatchObject({
    code: "MISSING_PACKAGE",
    message: `A store needs ${name} and another. Install: npm install ${name} another`,
  });
});

it("gives what was imported, and other errors as they are", async () => {
  const { sep } = await import("node:path").catch(notInstalled("A store", "node:path"));
  expect(sep).toBeTypeOf("string");
  expect(() => notInstalled("A store", "broken")(new SyntaxError("broken"))).toThrow(SyntaxError);
});
