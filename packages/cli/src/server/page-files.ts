import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { Hono } from "hono";

/** The files of the page by path. No other file can be asked for. */
const pageFiles: Readonly<Record<string, { readonly file: string; readonly type: string }>> = {
  "/": { file: "index.html", type: "text/html; charset=utf-8" },
  "/page.js": { file: "main.js", type: "text/javascript; charset=utf-8" },
  "/page.css": { file: "page.css", type: "text/css; charset=utf-8" },
  "/icon.svg": { file: "icon.svg", type: "image/svg+xml" },
};

export function isPagePath(path: string): boolean {
  return Object.hasOwn(pageFiles, path);
}

/** Serves the page. */
export function pageRoutes(app: Hono): void {
  for (const [path, { file, type }] of Object.entries(pageFiles)) {
    app.get(path, async (call) => {
      const bytes = await readFile(fileURLToPath(new URL(`./page/${file}`, import.meta.url)));
      return call.body(Uint8Array.from(bytes), 200, { "Content-Type": type, "Cache-Control": "no-cache" });
    });
  }
}
