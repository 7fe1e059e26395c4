import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { chromiumPath, launchChromium, watchedPage } from "./browser.ts";
import { faultsOf, overflowOf } from "./page-tools.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const title =
  chromiumPath === undefined
    ? "applications with a page (not tested: there is no Chromium; scripts/install-chromium.sh installs it)"
    : "applications with a page";
const index = mkdtempSync(path.join(tmpdir(), "sparse-encoder-application-"));
const started: ChildProcess[] = [];

/** Installs and starts an application of examples/apps, as its one command does. */
function start(name: string, args: readonly string[] = [], env: Readonly<Record<string, string>> = {}) {
  const child = spawn(process.execPath, ["scripts/run-example.mjs", name, ...args], {
    cwd: root,
    env: { ...process.env, NEXT_TELEMETRY_DISABLED: "1", ...env },
    // Its own group: what it starts ends with it.
    detached: true,
  });
  started.push(child);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  /** Resolves with the first group of the pattern, once it is printed. */
  const printed = async (pattern: RegExp): Promise<string> => {
    for (;;) {
      const found = pattern.exec(output)?.[1];
      if (found !== undefined) return found;
      if (child.exitCode !== null) throw new Error(`${name} ended: ${output}`);
      await setTimeout(100);
    }
  };
  return { child, printed, output: () => output };
}

afterAll(() => {
  for (const { pid, exitCode } of started) {
    if (exitCode === null) process.kill(-pid!, "SIGKILL");
  }
  rmSync(index, { recursive: true, force: true });
});

describe("the agent of LlamaIndex.TS", () => {
  it("searches and then answers", async () => {
    const { child, output } = start("llamaindex-agent", ["Where is the main valve?"]);
    expect(await once(child, "exit"), output()).toEqual([0, null]);
    expect(output()).toContain('Search: {"query":"Where is the main valve?"}');
    expect(output()).toMatch(/Answer: The documents say: The main valve is in the cellar/);
  });
});

describe.skipIf(chromiumPath === undefined)(title, () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser?.close());

  /** In light and dark, from phones to wide windows. */
  const checkLook = async (page: Page) => {
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      for (const width of [390, 1280]) {
        await page.setViewportSize({ width, height: 900 });
        expect(await overflowOf(page)).toBe(0);
      }
      expect(await faultsOf(page), colorScheme).toEqual([]);
    }
  };

  it("searches in the Express service, which keeps what is added", async () => {
    const service = start("express-search", [], { PORT: "0", INDEX: index });
    const url = await service.printed(/Listening on (\S+)/);
    await using watched = await watchedPage(browser, url);
    const { page, problems } = watched;
    await page.goto(url);
    await page.getByRole("searchbox").fill("What does error E17 mean?");
    await page.getByText("the outdoor fan is blocked").waitFor();
    expect(await page.locator("#hits li").first().textContent()).toMatch(/Heat pump.*outdoor fan/s);
    const added = await fetch(`${url}/documents`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify([
        { id: "sauna", text: "The sauna needs forty minutes.", metadata: { title: "Sauna" } },
      ]),
    });
    expect(added.status).toBe(201);
    await page.getByRole("searchbox").fill("How long does the sauna need?");
    await page.getByText("forty minutes").waitFor();
    expect((await fetch(`${url}/search?q=a&k=0`)).status).toBe(400);
    await checkLook(page);
    expect(problems).toEqual([]);
  });

  it("answers in the chat of Next.js, and shows the passages", async () => {
    const chat = start("next-chat", ["--port", "0"]);
    const url = await chat.printed(/Local:\s+(http:\/\/localhost:\d+)/);
    await chat.printed(/(Ready in)/);
    await using watched = await watchedPage(browser, url);
    const { page, problems } = watched;
    await page.goto(url);
    await page.getByRole("textbox").fill("When is paper collected?");
    await page.getByRole("button", { name: "Ask" }).click();
    await page.getByText("first Monday of a month").first().waitFor();
    expect(await page.locator(".answer").textContent()).toContain("first Monday of a month");
    await page.getByText("3 passages").click();
    expect(await page.locator("details li").count()).toBe(3);
    await checkLook(page);
    expect(problems).toEqual([]);
  });
});
