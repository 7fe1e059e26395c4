import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { MarkdownRenderer } from "vitepress";

/** The folder of the pages. */
export const docs = fileURLToPath(new URL("../../../docs", import.meta.url));

/**
 * Gives links that are named after a file, such as `[stores.md](stores.md)`, the title of that page. In the repository
 * people look for a file, on the site for a page.
 */
export function nameLinksByTitle(markdown: MarkdownRenderer): void {
  markdown.core.ruler.push("name-links-by-title", ({ tokens, env }) => {
    for (const { children } of tokens) {
      children?.forEach((token, index) => {
        const text = children[index + 1];
        if (token.type !== "link_open" || text?.type !== "text" || !/^[\w/-]+\.md$/.test(text.content))
          return;
        const [file] = (token.attrGet("href") ?? "").split("#");
        text.content = titleOf(path.join(docs, path.dirname(env.relativePath), file!)) ?? text.content;
      });
    }
  });
}

/** The first heading of a page; undefined if there is no such page. */
export function titleOf(file: string): string | undefined {
  if (!existsSync(file)) return undefined;
  return /^# (.+)$/m.exec(readFileSync(file, "utf8"))?.[1];
}
