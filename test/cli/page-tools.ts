import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import type { Browser, Page } from "playwright-core";
import { type WatchedPage, watchedPage } from "./browser.ts";
import type { temporaryFolder } from "./run-cli.ts";
import type { RunningServer } from "./running-server.ts";

const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Opens a view of the page. */
export async function openView(
  browser: Browser,
  server: RunningServer,
  view: string,
  options: Parameters<typeof watchedPage>[2] = {},
): Promise<WatchedPage> {
  const watched = await watchedPage(browser, server.url, options);
  await watched.page.goto(`${server.url}/#${view}`);
  await watched.page.waitForSelector("h1");
  return watched;
}

/** Searches with a query, and waits for hits. */
export async function search(page: Page, query: string): Promise<void> {
  await page.getByLabel("Query", { exact: true }).fill(query);
  await page.waitForSelector(".hit", { state: "attached" });
}

/** Opens all that is folded. */
export async function openDetails(page: Page): Promise<void> {
  await page.evaluate("document.querySelectorAll('details').forEach((details) => { details.open = true; })");
}

interface AxeFault {
  readonly id: string;
  readonly nodes: readonly { readonly target: readonly string[]; readonly failureSummary: string }[];
}

/** Faults that axe finds, each with the element that has it. */
export async function faultsOf(page: Page): Promise<string[]> {
  // The policy of the page lets no foreign script in; what a test evaluates comes past it.
  await page.evaluate(axeSource);
  const faults = await page.evaluate<readonly AxeFault[]>("axe.run().then(({ violations }) => violations)");
  return faults.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id}: ${target.join(" ")} ${failureSummary}`),
  );
}

/** Pixels that the page is wider than its window. */
export function overflowOf(page: Page): Promise<number> {
  return page.evaluate<number>("document.documentElement.scrollWidth - document.documentElement.clientWidth");
}

/** Keeps a picture of the page in the folder `SCREENSHOTS`, if there is one, for people to look at. */
export async function screenshot(page: Page, name: string): Promise<void> {
  const folder = process.env.SCREENSHOTS;
  if (folder === undefined) return;
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: `${folder}/${name}.png`, fullPage: true });
}

/** Exports the view that is shown; gives the file's text and address. */
export async function exportOf(
  page: Page,
  folder: ReturnType<typeof temporaryFolder>,
): Promise<{ readonly html: string; readonly file: string }> {
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: "Export" }).click(),
  ]);
  const file = folder.file(download.suggestedFilename());
  await download.saveAs(file);
  return { html: readFileSync(file, "utf8"), file: pathToFileURL(file).href };
}
