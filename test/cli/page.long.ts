import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { chromiumPath, launchChromium, watchedPage } from "./browser.ts";
import { exportOf, faultsOf, openDetails, openView, overflowOf, screenshot, search } from "./page-tools.ts";
import { temporaryFolder } from "./run-cli.ts";
import { type RunningServer, startServer } from "./running-server.ts";

const title =
  chromiumPath === undefined
    ? "the page (not tested: there is no Chromium; scripts/install-chromium.sh installs it)"
    : "the page";
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

  const open = (view: string, options: Parameters<typeof watchedPage>[2] = {}) =>
    openView(browser, server, view, options);

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

  it("says what arms did not find, and what the fused score is", async () => {
    await using watched = await open("search");
    const { page } = watched;
    await search(page, "cheap flights to Rome");
    const card = page.locator('.hit[data-id="air"]');
    // Its words are none of the query's, so that only meaning finds it.
    expect(await card.locator("dd").allTextContents()).toEqual([
      expect.stringMatching(/^#\d\d*\.\d\d$/),
      "did not find it",
    ]);
    expect(await card.locator(".fused").textContent()).toMatch(/^Fused \d\.\d{3}$/);
    expect(watched.problems).toEqual([]);
  });

  it("follows the number of weights and the fusion", async () => {
    await using watched = await open("search");
    const { page } = watched;
    await search(page, "cheap flights to Rome");
    const scores = () => page.locator(".hit .fused").allTextContents();
    const before = await scores();
    await page.getByLabel("Weights of the query").fill("1");
    await expect.poll(scores).not.toEqual(before);
    await page.locator(".hit summary").first().click();
    expect(
      await page
        .getByRole("table", { name: /Meaning/ })
        .first()
        .getByRole("rowheader")
        .count(),
    ).toBe(1);
    await page.getByLabel("Weights of the query").press("End");
    await expect.poll(scores).toEqual(before);
    for (const fusion of ["rrf", "relativeScore", "max"]) {
      await page.getByLabel("Fusion").selectOption(fusion);
      await expect.poll(scores, { message: fusion }).not.toEqual(before);
    }
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

  it("takes files of any name, and names those that it cannot take", async () => {
    await using own = await startServer([]);
    await using watched = await openView(browser, own, "search");
    const { page } = watched;
    const name = `${script.replaceAll("/", "")}.md`;
    const file = (fileName: string, buffer: Buffer) => ({ name: fileName, mimeType: "text/plain", buffer });
    await page
      .getByLabel("Add files")
      .setInputFiles([
        file("large.txt", Buffer.alloc(3 * 2 ** 20, "a ")),
        file(name, Buffer.from("Quokkas smile.")),
        file("binary.txt", Buffer.from([0xff, 0x00, 0xfe])),
        file("program.exe", Buffer.from("MZ")),
      ]);
    await page.getByText("1 passage in the index").waitFor();
    expect(await page.getByRole("alert").locator("p").allTextContents()).toEqual([
      "large.txt: The file has 3 MiB, and the server takes 2 MiB; see --max-body.",
      "binary.txt: The file cannot be read: it is not a text in UTF-8.",
      expect.stringMatching(/^program\.exe: Only files that end in .* are read\.$/),
    ]);
    await search(page, "smiling quokkas");
    expect(await page.locator(".hit").first().getAttribute("data-id")).toBe(`uploads/${name}#1`);
    expect(await page.locator("main img, main script").count()).toBe(0);
    // A page that asks without looking at the size gets an answer too.
    const status = await page.evaluate<number>(
      "fetch('/files/large.txt', { method: 'PUT', body: 'a'.repeat(9e6) }).then(({ status }) => status)",
    );
    expect(status).toBe(413);
    expect(watched.problems.filter((problem) => !/4(13|15|22)/.test(problem))).toEqual([]);
  });

  it("reads texts of any script and length", async () => {
    await using watched = await open("text", { width: 390 });
    const { page } = watched;
    const shown = (text: string) => expect.poll(() => page.locator(".marked").textContent()).toBe(text);
    const field = page.getByLabel("Your text");
    for (const text of ["رحلات رخيصة إلى روما", "東京から京都まで", "x".repeat(500)]) {
      await field.fill(text);
      await shown(text);
      expect(await overflowOf(page)).toBe(0);
    }
    await field.fill("رحلات رخيصة إلى روما");
    await shown("رحلات رخيصة إلى روما");
    expect(await page.evaluate("getComputedStyle(document.querySelector('.marked')).direction")).toBe("rtl");
    const long = Array.from({ length: 1000 }, (_, place) => `word${place}`).join(" ");
    await field.fill(long);
    await shown(long);
    await page.getByText("512 tokens are read; what comes after them is cut").waitFor();
    expect(await faultsOf(page)).toEqual([]);
    await field.fill(" ");
    await page.getByText("Type a text to see its terms.").waitFor();
    expect(watched.problems).toEqual([]);
  });

  it("tells screen readers what changed, and no more", async () => {
    await using watched = await open("search");
    const { page } = watched;
    await search(page, "cheap flights to Rome");
    expect(await page.getByRole("status").allTextContents()).toContain("3 hits");
    expect(await page.locator("[aria-live]").count()).toBe(0);
    expect(await page.locator(".hit header").first().textContent()).toMatch(/^Rank 1/);
    await page.getByRole("link", { name: "Skip to the content" }).focus();
    await page.keyboard.press("Enter");
    expect(await page.evaluate("document.activeElement.id + location.hash")).toBe("main#search");
    expect(watched.problems).toEqual([]);
  });

  it("compares two settings", async () => {
    await using watched = await open("compare");
    const { page } = watched;
    await search(page, "cheap flights to Rome");
    const sides = page.locator("main section[aria-label]");
    await page.getByRole("group", { name: "Settings A" }).getByLabel("Meaning (SPLADE)").fill("0");
    await expect.poll(() => page.locator(".badge").count()).toBeGreaterThan(0);
    expect(await sides.nth(1).locator(".badge").allTextContents()).toContain("not in A");
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

  it("exports a view as one file without scripts, which works offline", async () => {
    await using watched = await open("search");
    const { page } = watched;
    await search(page, "cheap flights to Rome");
    // Rows that a person did not ask for are in the file too.
    const rows = await page.locator(".hit tbody tr").count();
    const { html, file } = await exportOf(page, folder);
    expect(html).not.toMatch(/<script|<link|src="|url\(|<img /);
    await using exported = await watchedPage(browser, "file:");
    await exported.page.context().setOffline(true);
    await exported.page.goto(file);
    expect(await exported.page.title()).toBe("Search – sparse-encoder");
    expect(await exported.page.locator(".hit").count()).toBeGreaterThan(1);
    await exported.page.locator(".hit summary").first().click();
    expect(await exported.page.locator(".hit details[open]").count()).toBe(1);
    await openDetails(exported.page);
    expect(await exported.page.locator(".hit tbody tr:visible").count()).toBe(rows);
    expect(await exported.page.getByText("cheap flights to Rome", { exact: true }).count()).toBe(1);
    expect(await exported.page.locator("#facts").textContent()).toMatch(
      /splade-tiny.*saved from sparse-encoder on \d/,
    );
    expect(exported.problems).toEqual([]);
    expect(watched.problems).toEqual([]);
  });

  it("exports what is shown when the server is gone, and says that it is", async () => {
    await using gone = await startServer([]);
    await using watched = await openView(browser, gone, "text");
    const { page } = watched;
    await page.waitForSelector(".terms");
    await gone.stop("SIGKILL");
    await page.getByLabel("Your text").fill("another text");
    await page.getByRole("alert").getByText("The server does not answer. Is it still running?").waitFor();
    const { html } = await exportOf(page, folder);
    expect(html).toMatch(/--paper:\s*light-dark\(/);
    expect(html).toContain("another text");
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
          await openDetails(page);
          await page.waitForTimeout(300);
          expect(await faultsOf(page), view).toEqual([]);
          expect(await overflowOf(page), view).toBe(0);
          expect(problems).toEqual([]);
          await screenshot(page, `${view}-${scheme}-${width}`);
        }
      },
    );
  });
});
