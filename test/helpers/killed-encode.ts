import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import type { Store } from "@sparse-encoder/core";
import { expect } from "vitest";
import { sampleTexts } from "../cli/encode-cases.ts";
import { runCli, startCli, temporaryFolder } from "../cli/run-cli.ts";

/** Kills of a run. */
const kills = 20;

/** A store that the command line writes into, and tests read. */
export interface KilledStore {
  /** For `--store`. */
  readonly address: (name: string) => string;
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Opens what the command wrote. */
  open(name: string): Promise<Store>;
}

/** Blocks that a checkpoint names; 0 without one. */
export function blocksOf(checkpoint: string): number {
  try {
    return JSON.parse(readFileSync(checkpoint, "utf8")).checkpoint.blocks;
  } catch {
    return 0;
  }
}

/**
 * Kills a command that encodes again and again, each time at a random moment after some progress, so that it comes to an end.
 * @param checkpoint the file in which the command says how many blocks are done
 * @returns how often it was killed before it was done
 */
export async function killAtRandom(
  command: readonly string[],
  {
    checkpoint,
    blocks,
    env = {},
  }: { checkpoint: string; blocks: number; env?: Readonly<Record<string, string>> },
): Promise<number> {
  let killed = 0;
  while (killed < kills) {
    const target = blocksOf(checkpoint) + Math.floor((Math.random() * 2 * blocks) / kills);
    const child = startCli(command, { env });
    const ended = once(child, "close");
    let isOver = false;
    child.on("close", () => {
      isOver = true;
    });
    // Reading its messages away keeps a pipe from filling up.
    child.stderr!.resume();
    child.stdout!.resume();
    while (!isOver && blocksOf(checkpoint) < target) await pause(3 + Math.random() * 10);
    // Also between a write and its checkpoint, and before the first one.
    if (!isOver) await pause(Math.random() * 300);
    if (!isOver) {
      child.kill("SIGKILL");
      killed++;
    }
    await ended;
    if (child.exitCode === 0) break;
    if (child.exitCode !== null) throw new Error(`The command ended with ${child.exitCode}.`);
  }
  return killed;
}

/** Encodes lines into a store, killed 20 times at random, and compares what is there with one run that was left alone. */
export async function expectNothingLost(
  { address, env = {}, open }: KilledStore,
  lines: number,
): Promise<void> {
  using folder = temporaryFolder();
  const input = folder.file("texts.txt");
  writeFileSync(input, `${sampleTexts(lines).join("\n")}\n`);
  const whole = await runCli(["encode", input, "--store", address("whole")], { env });
  expect(whole).toMatchObject({ code: 0, stderr: `${lines} texts encoded.\n` });
  const checkpoint = folder.file("checkpoint.json");
  const command = ["encode", input, "--store", address("killed"), "--checkpoint", checkpoint, "--resume"];
  const killed = await killAtRandom(command, { checkpoint, blocks: lines / 256, env });
  const last = await runCli(command, { env });
  expect([last.code, last.stderr]).toEqual([0, expect.stringMatching(/texts encoded\.$/m)]);
  expect(killed).toBe(kills);
  await using expected = await open("whole");
  await using found = await open("killed");
  expect(await found.count()).toBe(lines);
  const seen = new Map<string, string>();
  for await (const document of found.iterate()) {
    expect(seen.has(document.id)).toBe(false);
    seen.set(document.id, printed(document));
  }
  let compared = 0;
  for await (const document of expected.iterate()) {
    compared++;
    if (seen.get(document.id) !== printed(document)) expect(seen.get(document.id)).toBe(printed(document));
  }
  expect([seen.size, compared]).toEqual([lines, lines]);
}

function printed({
  id,
  text,
  metadata,
  vectors,
}: {
  id: string;
  text: string;
  metadata: object;
  vectors: object;
}) {
  return JSON.stringify({ id, text, metadata, vectors });
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
