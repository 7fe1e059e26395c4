import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { chromiumPath, launchChromium, watchedPage } from "./browser.ts";
import { temporaryFolder } from "./run-cli.ts";
import { type RunningServer, startServer } from "./running-server.ts";

const title =
  chromiumPath === undefined
    ? "the page (not tested: there is no Chromium; scripts/install-chromium.sh installs it)"
    : "the page";
const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const script = "<img src=x onerror=alert(1)><script>alert(2)</script>";
const documents = [
  { id: `evil ${script}`, text: `${script} Cheap flights to Rome.`, metadata: { title: script } },
  { id: "air", text: "Low-cost airlines fly to Italy every day." },
  { id: "food", text: "Pasta needs flour, eggs and patience." },
  { id: "rome", text: "Rome has many museums and cheap food." },
];
let server: RunningServer;
let browser: Browser;
const folder = temporaryFolder();

describe.skipIf(chromiumPath === undefined)(title, () => {
  beforeAll(async () => {
    server = await startServer([]);
    await server.ask("/documents", { documents });
    browser = await launchChromium();
  });

  afterAll(async () => {
    await browser?.close();
    await server?.[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  });

  const open = async (view: string, options: Parameters<typeof watchedPage>[2] = {}) => {
    const watched = await watchedPage(browser, server.url, options);
    await watched.page.goto(`${server.url}/#${view}`);
    await watched.page.waitForSelector("h1");
    return watched;
  };

  const search = async (page: Page, query: string) => {
    await page.getByLabel("Query", { exact: true }).fill(query);
    await page.waitForSelector(".hit");
  };

  it("weighs the words of a text, and shows the words that the model adds apart", async () => {
    await using watched = await open("text");
    const { page } = watched;
    await page.getByLabel("Your text").fill(`cheap flights ${script}`);
    await expect.poll(() => page.locator(".marked").textContent()).toMatch(/^cheap flights <img/);
    expect(await page.locator(".marked mark").first().textContent()).toBe("cheap");
    expect(
      await page
        .getByRole("table", { name: /In your text/ })
        .getByRole("rowheader")
        .allTextContents(),
    ).toContain("cheap");
    const added = await page
      .getByRole("table", { name: /Added by the model/ })
      .getByRole("rowheader")
      .allTextContents();
    expect(added).toContain("travel");
    expect(added).not.toContain("cheap");
    await page.getByLabel("Weights to keep").fill("3");
    await expect.poll(() => page.locator(".figure b").first().textContent()).toBe("3");
    await page.getByLabel("Read as").selectOption("query");
    await page.waitForTimeout(400);
    expect(watched.problems).toEqual([]);
  });

  it("sets a query against a document, with each term's share of the score", async () => {
    await using watched = await open("match");
    const { page } = watched;
    await page.getByLabel("Query").fill("cheap flights");
    await page.getByLabel("Document").fill("Low-cost airlines fly to Italy.");
    await expect.poll(() => page.locator(".butterfly").textContent()).toContain("airlines");
    const shares = await page.locator(".butterfly td:last-child").allTextContents();
    const sum = shares.reduce((total, share) => total + Number(/\d+/.exec(share)?.[0] ?? 0), 0);
    expect(sum).toBeGreaterThan(95);
    expect(sum).toBeLessThan(105);
    expect(watched.problems).toEqual([]);
  });

  it("searches: ranks of all arms, why, and an order that follows the settings", async () => {
    await using watched = await open("search");
    const { page } = watched;
    await search(page, "cheap flights to Rome");
    expect(await page.locator(".hit h2").first().textContent()).toBe(script);
    expect(await page.locator(".hit img, .hit script").count()).toBe(0);
    const [first] = await page.locator(".hit .arms").all();
    expect(await first!.locator("dd b").allTextContents()).toEqual(["#1", "#1"]);
    await page.locator(".hit summary").first().click();
    expect(
      await page
        .getByRole("table", { name: /Meaning/ })
        .getByRole("rowheader")
        .allTextContents(),
    ).toContain("rome");
    const ids = () =>
      page.locator(".hit").evaluateAll((cards) => cards.map((card) => card.getAttribute("data-id")));
    const before = await ids();
    await page.getByLabel("Meaning (SPLADE)").fill("0");
    await expect.poll(() => page.locator(".hit").count()).not.toBe(before.length);
    expect(await ids()).toEqual([`evil ${script}`, "rome"]);
    await page.getByLabel("Words (BM25)").fill("0");
    await page.getByText("All arms are off.").waitFor();
    await page.getByLabel("Meaning (SPLADE)").fill("1");
    await page.getByLabel("Fusion").selectOption("rrf");
    await page.waitForSelector(".hit");
    expect(watched.problems).toEqual([]);
  });

  it("takes files", async () => {
    await using watched = await open("search");
    const { page } = watched;
    const buffer = Buffer.from("# Zebras\n\nZebras have stripes.");
    await page
      .getByLabel("Add files")
      .setInputFiles({ name: "zebras.md", mimeType: "text/markdown", buffer });
    await page.getByText("5 passages in the index").waitFor();
    await search(page, "striped animals");
    expect(await page.locator(".hit").first().getAttribute("data-id")).toBe("uploads/zebras.md#1");
    expect(watched.problems).toEqual([]);
  });

  it("tells that a file cannot be read", async () => {
    await using watched = await open("search");
    const { page } = watched;
    await page
      .getByLabel("Add files")
      .setInputFiles({ name: "broken.pdf", mimeType: "application/pdf", buffer: Buffer.from("a") });
    await page.getByRole("alert").getByText("cannot be read").waitFor();
    await page.getByRole("button", { name: "Close" }).click();
  });

  it("compares two settings", async () => {
    await using watched = await open("compare");
    const { page } = watched;
    await search(page, "cheap flights to Rome");
    const sides = page.locator("main section[aria-label]");
    await page.getByLabel("A", { exact: true }).getByLabel("Meaning (SPLADE)").fill("0");
    await expect.poll(() => page.locator(".badge").count()).toBeGreaterThan(0);
    expect(await sides.nth(1).locator(".badge").allTextContents()).toContain("only here");
    expect(watched.problems).toEqual([]);
  });

  it("works by keyboard", async () => {
    await using watched = await open("search");
    const { page } = watched;
    await page.keyboard.press("/");
    await page.keyboard.type("cheap food");
    await page.waitForSelector(".hit");
    await page.keyboard.press("Tab");
    await page.keyboard.press("ArrowLeft");
    expect(await page.getByLabel("Meaning (SPLADE)").inputValue()).toBe("0.95");
    await page.locator(".hit summary").first().focus();
    await page.keyboard.press("Enter");
    expect(await page.locator(".hit details[open]").count()).toBe(1);
    expect(watched.problems).toEqual([]);
  });

  it("goes through light, dark and the system's colours, and keeps the choice", async () => {
    await using watched = await open("text", { scheme: "dark" });
    const { page } = watched;
    const paper = () => page.evaluate<string>("getComputedStyle(document.body).backgroundColor");
    const dark = await paper();
    await page.getByRole("button", { name: "Colours: auto" }).click();
    expect(await paper()).not.toBe(dark);
    await page.reload();
    await page.getByRole("button", { name: "Colours: light" }).click();
    expect(await paper()).toBe(dark);
    expect(watched.problems).toEqual([]);
  });

  it("exports a view as one file without scripts", async () => {
    await using watched = await open("search");
    const { page } = watched;
    await search(page, "cheap flights to Rome");
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("button", { name: "Export" }).click(),
    ]);
    const file = folder.file("export.html");
    await download.saveAs(file);
    const html = readFileSync(file, "utf8");
    expect(html).not.toMatch(/<script|<link|src="|url\(/);
    await using exported = await watchedPage(browser, "file:");
    await exported.page.goto(pathToFileURL(file).href);
    expect(await exported.page.locator(".hit").count()).toBeGreaterThan(1);
    expect(await exported.page.getByText("cheap flights to Rome", { exact: true }).count()).toBeGreaterThan(
      0,
    );
    expect(exported.problems).toEqual([]);
    expect(watched.problems).toEqual([]);
  });

  it("asks for the key of a server that has one", async () => {
    await using closed = await startServer([], { SPARSE_ENCODER_API_KEY: "secret" });
    await using watched = await watchedPage(browser, closed.url);
    const { page } = watched;
    await page.goto(closed.url);
    await page.getByLabel("This server asks for a key").fill("secret");
    await page.getByRole("button", { name: "Use it" }).click();
    await page.waitForSelector("h1");
  });

  describe.each(["light", "dark"] as const)("in %s", (scheme) => {
    it.each([390, 820, 1360])(
      "has no fault that axe knows, and no sideways scrolling, at %i pixels",
      async (width) => {
        for (const view of ["text", "match", "search", "compare"]) {
          await using watched = await open(view, { width, scheme });
          const { page, problems } = watched;
          if (view === "search" || view === "compare") await search(page, "cheap flights to Rome");
          else await page.waitForSelector(".terms");
          for (const summary of await page.locator(".hit summary").all()) await summary.click();
          await page.waitForTimeout(300);
          expect(await faultsOf(page), view).toEqual([]);
          const overflow = await page.evaluate<number>(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth",
          );
          expect(overflow, view).toBe(0);
          expect(problems).toEqual([]);
          const shots = process.env.SCREENSHOTS;
          if (shots === undefined) continue;
          mkdirSync(shots, { recursive: true });
          await page.screenshot({ path: `${shots}/${view}-${scheme}-${width}.png`, fullPage: true });
        }
      },
    );
  });
});

interface AxeFault {
  readonly id: string;
  readonly nodes: readonly { readonly target: readonly string[]; readonly failureSummary: string }[];
}

/** Faults that axe finds, each with the element that has it. */
async function faultsOf(page: Page): Promise<string[]> {
  // The policy of the page lets no foreign script in; what a test evaluates comes past it.
  await page.evaluate(axeSource);
  const faults = await page.evaluate<readonly AxeFault[]>("axe.run().then(({ violations }) => violations)");
  return faults.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id}: ${target.join(" ")} ${failureSummary}`),
  );
}
