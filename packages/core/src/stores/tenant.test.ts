import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { checkTenancy, tenantKey, tenantName } from "./tenant.ts";

describe("the option tenant", () => {
  it("takes 1 to 128 characters as they are, and refuses all others by name", () => {
    for (const tenant of ["a", "A", "a:b", "../x", "é", "e\u0301", "🙂", " ", "x".repeat(128)]) {
      expect(tenantName.check(tenant, "tenant")).toBe(tenant);
    }
    expect(tenantName.check(undefined, "tenant")).toBeUndefined();
    for (const bad of [
      "",
      null,
      1,
      ["a"],
      {},
      "a\0",
      "a\n",
      "a\u001a",
      "\u0085",
      "\ud83d",
      "x".repeat(129),
    ]) {
      expect(() => tenantName.check(bad, "open: tenant")).toThrow(
        expect.objectContaining({
          code: "INVALID_ARGUMENT",
          message: expect.stringContaining(
            "open: tenant must be a well-formed string of 1 to 128 characters",
          ),
        }),
      );
    }
  });
});

describe("tenantKey", () => {
  it("keeps small letters, digits and - and escapes all else byte by byte of UTF-8", () => {
    expect(tenantKey("acme-1")).toBe("t-acme-1");
    expect(tenantKey("Acme")).toBe("t-_41cme");
    expect(tenantKey("a_b")).toBe("t-a_5fb");
    expect(tenantKey("../x")).toBe("t-_2e_2e_2fx");
    expect(tenantKey("é🙂")).toBe("t-_c3_a9_f0_9f_99_82");
  });

  it("shortens long keys to their digest", () => {
    const longest = "a".repeat(128);
    expect(tenantKey(longest)).toBe(`t-${longest}`);
    const escaped = "É".repeat(64);
    expect(tenantKey(escaped)).toBe(`h-${createHash("sha256").update(escaped).digest("hex")}`);
  });

  it("gives different tenants keys that stay different where case does not count", () => {
    const parts = ["a", "A", "_", "-", "/", ":", ".", "é", "e\u0301", "🙂", "4", "41", "_41", "t-", " "];
    const tenants = new Set(parts.flatMap((one) => parts.flatMap((two) => [one, one + two, two.repeat(40)])));
    const keys = [...tenants].map((tenant) => tenantKey(tenant));
    expect(new Set(keys.map((key) => key.toLowerCase())).size).toBe(tenants.size);
    for (const key of keys) expect(key).toMatch(/^[th]-[a-z0-9_-]{1,198}$/);
  });
});

describe("checkTenancy", () => {
  it("lets pass what fits, and names the option for what does not", () => {
    expect(() => checkTenancy("It", true, "acme")).not.toThrow();
    expect(() => checkTenancy("It", false, undefined)).not.toThrow();
    expect(() => checkTenancy("It", true, undefined)).toThrow(
      expect.objectContaining({
        code: "STORE_MISMATCH",
        message: expect.stringContaining("the option tenant"),
      }),
    );
    expect(() => checkTenancy("It", false, "acme")).toThrow(
      expect.objectContaining({ code: "STORE_MISMATCH", message: expect.stringContaining("'acme'") }),
    );
  });
});
