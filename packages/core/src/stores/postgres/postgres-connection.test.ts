import { afterEach, describe, expect, it, vi } from "vitest";
import { secretsOf } from "./postgres-connection.ts";
import { PostgresStore } from "./postgres-store.ts";

afterEach(() => vi.unstubAllEnvs());

describe("the secrets of a URL", () => {
  it.each([
    ["postgres://user:s3cret@host/db", ["s3cret"]],
    ["postgres://user:a%2Fb%20c@host/db", ["a%2Fb%20c", "a/b c"]],
    ["postgres://user:p@ss@host/db", ["p@ss"]],
    ["postgres://host/db?user=me&password=s3%23cret&sslmode=disable", ["s3%23cret", "s3#cret"]],
    ["postgres://host/db?password=a+b", ["a+b", "a b"]],
    ["postgres://host/db?pass%77ord=hidden", ["hidden"]],
    ["postgres://user:one@host/db?password=two&sslpassword=three", ["one", "two", "three"]],
    ["postgres://host/db?password=bad%escape", ["bad%escape"]],
    ["postgres://host/db?sslmode=require", []],
    ["postgres://host/db", []],
  ])("%s", (url, secrets) => {
    vi.stubEnv("PGPASSWORD", undefined);
    expect(secretsOf(url)).toEqual(secrets);
  });

  it("also come from the environment", () => {
    vi.stubEnv("PGPASSWORD", "of the environment");
    expect(secretsOf("postgres://host/db")).toEqual(["of the environment"]);
  });
});

it("shows no password of a query parameter in an error", async () => {
  // A server that cannot be reached: the driver's message may name what it was given.
  const url = "postgres://127.0.0.1:1/db?user=s3cret-user&password=s3cret-word&host=s3cret-word.invalid";
  const error = await PostgresStore.open({ url, retries: 0 }).catch((thrown: Error) => thrown);
  const { message, stack, cause } = error as Error;
  expect(`${message} ${stack} ${cause} ${JSON.stringify(cause)}`).not.toContain("s3cret-word");
  expect(error).toMatchObject({ code: "STORE_FAILED", message: expect.stringContaining("***") });
});
