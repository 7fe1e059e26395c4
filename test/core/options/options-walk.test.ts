import * as core from "@sparse-encoder/core";
import * as evaluation from "@sparse-encoder/core/evaluation";
import * as stores from "@sparse-encoder/core/stores";
import * as testing from "@sparse-encoder/core/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  closeSubjects,
  type OptionCall,
  openSubjects,
  optionCalls,
  type Subjects,
  sharedFront,
  withoutOptions,
} from "./option-calls.ts";
import { isClass, publicMethods } from "./public-methods.ts";

let subjects: Subjects;
beforeAll(async () => {
  subjects = await openSubjects();
});
afterAll(() => closeSubjects(subjects));

/** What a call is refused with. */
async function refusal(call: OptionCall, options: unknown): Promise<{ code: string; message: string }> {
  try {
    await call(options as never);
  } catch (error) {
    if (core.SparseEncoderError.is(error)) return { code: error.code, message: error.message };
    return { code: "foreign error", message: String(error) };
  }
  return { code: "accepted", message: "" };
}

it("knows every public method of every exported class", () => {
  const classes = [core, stores, evaluation, testing]
    .flatMap((entry) => Object.values(entry))
    .filter(isClass);
  const calls = Object.keys(optionCalls(subjects));
  const known = new Set([
    ...calls,
    ...Object.entries(withoutOptions).flatMap(([name, methods]) =>
      methods.map((method) => `${name}.${method}`),
    ),
  ]);
  const found = new Set<string>();
  for (const made of new Set(classes)) {
    const shared = sharedFront.includes(made.name) ? publicMethods(stores.MemoryStore) : [];
    for (const method of publicMethods(made)) {
      const isShared =
        shared.includes(method.replace(made.name, "MemoryStore")) && !/static|constructor/.test(method);
      if (!isShared) found.add(method);
    }
  }
  expect([...found].filter((method) => !known.has(method))).toEqual([]);
  expect([...known].filter((method) => !found.has(method))).toEqual([]);
  expect(calls.length).toBeGreaterThan(60);
});

describe("every method with options", () => {
  it("refuses an unknown name and lists the valid ones, and refuses a wrong value for each of them", async () => {
    const slips: string[] = [];
    for (const [method, { call, required = {}, free = [] }] of Object.entries(optionCalls(subjects))) {
      const unknown = await refusal(call, { ...required, "no such option": 1 });
      const names = /Valid options: ([^.]+)\./.exec(unknown.message)?.[1]?.split(", ");
      if (unknown.code !== "UNKNOWN_OPTION" || names === undefined) {
        slips.push(`${method} with an unknown option: ${unknown.code} ${unknown.message}`);
        continue;
      }
      for (const name of names) {
        if (free.includes(name)) continue;
        // No option is a symbol.
        const wrong = await refusal(call, { ...required, [name]: Symbol("wrong") });
        const isNamed = wrong.message.includes(name) && wrong.code.startsWith("INVALID_");
        if (!isNamed) slips.push(`${method} with a wrong ${name}: ${wrong.code} ${wrong.message}`);
      }
    }
    expect(slips).toEqual([]);
  });

  it("refuses options that are not an object", async () => {
    const slips: string[] = [];
    for (const [method, { call }] of Object.entries(optionCalls(subjects))) {
      for (const options of [null, 5, "batchSize", []]) {
        const { code, message } = await refusal(call, options);
        if (code !== "INVALID_ARGUMENT") slips.push(`${method} with ${String(options)}: ${code} ${message}`);
      }
    }
    expect(slips).toEqual([]);
  });
});
