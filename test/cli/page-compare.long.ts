import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { chromiumPath, launchChromium, watchedPage } from "./browser.ts";
import { exportOf, faultsOf, openDetails, openView, overflowOf, screenshot, search } from "./page-tools.ts";
import { temporaryFolder } from "./run-cli.ts";
import { type RunningServer, startServer } from "./running-server.ts";

const title =
  chromiumPath === undefined
    ? "two models on the page (not tested: there is no Chromium; scripts/install-chromium.sh installs it)"
    : "two models on the page";
/** File systems of Windows take no such names. */
const name = process.platform === "win32" ? "other" : "<img src=x onerror=alert(1)>";
const script = "<img src=x onerror=alert(1)><script>alert(2)</script>";
const folder = temporaryFolder();
const otherModel = folder.file(name);
const corpus = [
  { _id: `evil ${script}`, title: script, text: "Cheap flights to Rome." },
  { _id: "air", title: "رحلات", text: "Low-cost airlines fly to Italy every day." },
  { _id: "food", title: "東京から京都まで", text: "Pasta needs flour, eggs and patience." },
  { _id: "rome", title: "", text: "Rome has many museums and cheap food." },
];
const queries = [
  { _id: "q1", text: "cheap flights to Rome" },
  { _id: "q2", text: `how to cook pasta ${script}` },
  { _id: "q3", text: "museums of Italy" },
];
const qrels = [`q1\tevil ${script}\t2`, "q1\tair\t1", "q2\tfood\t1", "q3\trome\t1"].join("\n");
const views = ["text", "match", "search", "compare", "compare-text", "compare-queries"] as const;
let server: RunningServer;
let browser: Browser;

const lines = (rows: readonly object[]) => rows.map((row) => JSON.stringify(row)).join("\n");

/** Brings a view to where it shows something. */
async function fill(page: Page, view: (typeof views)[number]): Promise<void> {
  if (view === "search") await search(page, "cheap flights to Rome");
  else if (view === "compare") {
    await search(page, "cheap flights to Rome");
    await openDetails(page);
  } else if (view === "compare-queries") {
    await page.getByRole("button", { name: "Measure both" }).click();
    await page.waitForSelector(".ranks");
  } else await page.waitForSelector(".terms");
}

describe.skipIf(chromiumPath === undefined)(title, () => {
  beforeAll(async () => {
    mkdirSync(folder.file("qrels"));
    writeFileSync(folder.file("corpus.jsonl"), lines(corpus));
    writeFileSync(folder.file("queries.jsonl"), lines(queries));
    writeFileSync(folder.file("qrels/test.tsv"), qrels);
    cpSync(fileURLToPath(new URL("../fixtures/models/bert-max-log1p", import.meta.url)), otherModel, {
      recursive: true,
    });
    server = await startServer(["--beir", folder.path, "--compare", otherModel]);
    browser = await launchChromium();
  });

  afterAll(async () => {
    await browser?.close();
    await server?.[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  });

  it("rank one query side by side, with rank changes and nDCG@10", async () => {
    await using watched = await openView(browser, server, "compare");
    const { page } = watched;
    await search(page, queries[0]!.text);
    expect(
      await page.getByLabel("A", { exact: true }).getByRole("heading", { level: 2 }).count(),
    ).toBeGreaterThan(1);
    for (const [side, model] of [
      ["A", "splade-tiny"],
      ["B", otherModel],
    ] as const) {
      const answer = await server.ask("/search", { query: queries[0]!.text, model, k: 10 });
      const { hits, ndcg_at_10 } = (await answer.json()) as { hits: { id: string }[]; ndcg_at_10: number };
      const cards = page.getByLabel(side, { exact: true }).locator(".hit");
      const shown = await cards.evaluateAll((found) => found.map((card) => card.getAttribute("data-id")));
      expect(shown).toEqual(hits.map(({ id }) => id));
      const figure = page.locator(".figure", { hasText: `nDCG@10 of ${side}` });
      expect(await figure.locator("b").textContent()).toBe(ndcg_at_10.toFixed(3));
    }
    const [row] = await page.locator(".ranks tbody tr").all();
    expect(await row!.locator("th, td").allTextContents()).toEqual([
      script,
      "2",
      "#1",
      expect.stringMatching(/^(#\d|–)$/),
      expect.stringMatching(/^(same|gone in B|▼ down \d)$/),
    ]);
    expect(await page.locator("main img, main script").count()).toBe(0);
    expect(watched.problems).toEqual([]);
  });

  it("weigh one text side by side, words of the text and added ones apart", async () => {
    await using watched = await openView(browser, server, "compare-text");
    const { page } = watched;
    await page.getByLabel("Your text").fill("cheap flights");
    const weights = async (side: "left" | "right") => {
      const tables = await page.locator(".butterfly").all();
      return Promise.all(tables.map((table) => table.locator(`.side.${side} .number`).allTextContents()));
    };
    for (const [side, model] of [
      ["left", "splade-tiny"],
      ["right", otherModel],
    ] as const) {
      const answer = await server.ask("/explain", { document: "cheap flights", model });
      const { document } = (await answer.json()) as {
        document: { terms: { weight: number; in_text: boolean }[] };
      };
      const expected = [true, false].map((isInText) =>
        document.terms
          .filter(({ in_text }) => in_text === isInText)
          .map(({ weight }) => weight.toFixed(2))
          .sort(),
      );
      await expect
        .poll(async () => (await weights(side)).map((texts) => texts.filter((text) => text !== "–").sort()))
        .toEqual(expected);
    }
    expect(watched.problems).toEqual([]);
  });

  it("are measured on all judged queries, and a query leads to its rankings", async () => {
    await using watched = await openView(browser, server, "compare-queries");
    const { page } = watched;
    await page.getByRole("button", { name: "Measure both" }).click();
    await page.getByText("Measured 3 of 3 queries").waitFor();
    for (const [side, model] of [
      ["A", "splade-tiny"],
      ["B", otherModel],
    ] as const) {
      const { mean_ndcg_at_10: mean } = (await (await server.ask("/evaluate", { model })).json()) as {
        mean_ndcg_at_10: number;
      };
      const figure = page.locator(".figure", { hasText: `nDCG@10 of ${side}` });
      expect(await figure.locator("b").textContent()).toBe(mean.toFixed(4));
    }
    const rows = page.locator(".ranks tbody tr");
    expect(await rows.count()).toBe(3);
    expect(await page.locator("main img, main script").count()).toBe(0);
    await page.getByRole("link", { name: queries[1]!.text }).click();
    await page.waitForSelector(".hit");
    expect(await page.getByLabel("Query", { exact: true }).inputValue()).toBe(queries[1]!.text);
    await page.getByRole("group", { name: "Settings A" }).getByLabel("Words (BM25)").fill("0");
    await page.goBack();
    await page.getByRole("button", { name: "Measure both" }).waitFor();
    // Figures of other settings are gone.
    expect(await page.locator(".ranks").count()).toBe(0);
    await page.getByRole("group", { name: "Settings A" }).getByLabel("Meaning (SPLADE)").fill("0");
    await page.getByRole("button", { name: "Measure both" }).click();
    await page.getByText("All arms of one side are off.").waitFor();
    expect(watched.problems).toEqual([]);
  });

  it("are compared with judgements that a person adds, one file after the other or both at once", async () => {
    await using own = await startServer(["--compare", otherModel]);
    await own.ask("/documents", { documents: corpus.map(({ _id: id, text }) => ({ id, text })) });
    await using watched = await openView(browser, own, "compare-queries");
    const { page } = watched;
    await page.getByText("The server has no judgements yet: add them here.").waitFor();
    expect(await page.getByRole("button", { name: "Measure both" }).isDisabled()).toBe(true);
    const file = (fileName: string, content: string | Buffer) => ({
      name: fileName,
      mimeType: "text/plain",
      buffer: Buffer.from(content),
    });
    const add = page.getByLabel("Add judgements");
    await add.setInputFiles(file("q.jsonl", lines(queries)));
    await page.getByText("q.jsonl was read. Now add the file of judgements.").waitFor();
    await add.setInputFiles(file("<b>.tsv", "q1\tair\tbad"));
    await page.getByRole("alert").getByText("q.jsonl, <b>.tsv: qrels, line 1: the grade").waitFor();
    await add.setInputFiles(file("binary.tsv", Buffer.from([0xff, 0xfe, 0x00])));
    await page.getByRole("alert").getByText("binary.tsv: The file is not text in UTF-8.").waitFor();
    await add.setInputFiles([
      file("q.jsonl", lines(queries)),
      file("trec.txt", "q1 0 air 1\nq3 0 rome 2\nq3 0 gone 1"),
    ]);
    await page.getByText("2 judged queries; the index has 2 of 3 judged documents.").waitFor();
    expect(await page.getByRole("alert").textContent()).toBe("");
    await page.getByRole("button", { name: "Measure both" }).click();
    await page.getByText("Measured 2 of 2 queries").waitFor();
    // The browser itself notes the answer that refuses.
    expect(watched.problems.filter((problem) => !problem.includes("422"))).toEqual([]);
  });

  it("stand side by side by keyboard only", async () => {
    await using watched = await openView(browser, server, "compare");
    const { page } = watched;
    await page.keyboard.press("/");
    await page.keyboard.type("cheap flights");
    await page.waitForSelector(".ranks");
    await page.keyboard.press("Tab");
    expect(await page.evaluate("document.activeElement.tagName")).toBe("SELECT");
    await page.keyboard.press("ArrowDown");
    // Both sides have the second model now.
    await page.getByText("Hits of A", { exact: true }).waitFor();
    await page.getByRole("link", { name: "Judged queries" }).focus();
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "All judged queries" }).waitFor();
    expect(await page.evaluate("document.activeElement.id")).toBe("main");
    expect(watched.problems).toEqual([]);
  });

  it.each(views)("export the view %s, which works offline and has no fault that axe knows", async (view) => {
    await using watched = await openView(browser, server, view);
    const { page } = watched;
    await fill(page, view);
    const { html, file } = await exportOf(page, folder);
    expect(html).not.toMatch(/<script|<link|<img |src="|url\(/);
    for (const scheme of ["light", "dark"] as const) {
      await using exported = await watchedPage(browser, "file:", { scheme, width: 390 });
      await exported.page.context().setOffline(true);
      await exported.page.goto(file);
      expect(await exported.page.locator("button, input, select, textarea, a").count()).toBe(0);
      expect(await exported.page.locator("#facts").textContent()).toContain(name);
      expect(await overflowOf(exported.page)).toBe(0);
      expect(exported.problems).toEqual([]);
      await screenshot(exported.page, `export-${view}-${scheme}`);
      expect(await faultsOf(exported.page), scheme).toEqual([]);
    }
    expect(watched.problems).toEqual([]);
  });

  describe.each(["light", "dark"] as const)("in %s", (scheme) => {
    it.each([390, 820, 1360])(
      "have no fault that axe knows, and no sideways scrolling, at %i pixels",
      async (width) => {
        for (const view of views) {
          await using watched = await openView(browser, server, view, { width, scheme });
          const { page, problems } = watched;
          await fill(page, view);
          await page.waitForTimeout(300);
          expect(await faultsOf(page), view).toEqual([]);
          expect(await overflowOf(page), view).toBe(0);
          expect(problems).toEqual([]);
          await screenshot(page, `two-${view}-${scheme}-${width}`);
        }
      },
    );
  });
});
