import { existsSync } from "node:fs";
import { type Browser, chromium, type Page } from "playwright-core";

/** Where Debian, Ubuntu and others keep Chromium. */
const places = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/snap/bin/chromium",
  "/usr/bin/google-chrome",
];

/** The Chromium of this machine; undefined if there is none. */
export const chromiumPath = process.env.CHROMIUM ?? places.find((place) => existsSync(place));

export function launchChromium(): Promise<Browser> {
  // The sandbox needs rights that containers lack; the pages are the tests' own.
  return chromium.launch({ executablePath: chromiumPath!, args: ["--no-sandbox"] });
}

/** A page, and what it did that it should not have done. */
export interface WatchedPage extends AsyncDisposable {
  readonly page: Page;
  /** Errors on the console, uncaught errors, and requests to other places than `origin`. */
  readonly problems: readonly string[];
}

/** Opens a page that is watched. */
export async function watchedPage(
  browser: Browser,
  origin: string,
  options: { readonly width?: number; readonly scheme?: "light" | "dark" } = {},
): Promise<WatchedPage> {
  const { width = 1280, scheme = "light" } = options;
  const page = await browser.newPage({
    viewport: { width, height: 900 },
    colorScheme: scheme,
    acceptDownloads: true,
  });
  const problems: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") problems.push(message.text());
  });
  page.on("pageerror", (error) => problems.push(error.message));
  page.on("dialog", (dialog) => {
    problems.push(`A dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(origin) && !/^(blob|data):/.test(url)) problems.push(`A request to ${url}`);
  });
  return { page, problems, [Symbol.asyncDispose]: () => page.close() };
}
