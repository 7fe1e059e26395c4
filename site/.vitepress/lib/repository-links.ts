import path from "node:path";
import type { MarkdownRenderer } from "vitepress";

export const repository = "https://github.com/sparse-encoder/sparse-encoder";

/**
 * Points links that leave `docs/`, such as `../examples/map-backend.ts`, at the repository: on the site there is no such file.
 */
export function linkToRepository(markdown: MarkdownRenderer): void {
  const render = markdown.renderer.rules.link_open;
  markdown.renderer.rules.link_open = (tokens, index, options, env, self) => {
    const token = tokens[index]!;
    const href = token.attrGet("href");
    const page: unknown = env.relativePath;
    if (href !== null && typeof page === "string" && /^\.\.?\//.test(href)) {
      const target = path.posix.normalize(path.posix.join("docs", path.posix.dirname(page), href));
      if (!target.startsWith("docs/")) token.attrSet("href", `${repository}/blob/main/${target}`);
    }
    return render === undefined
      ? self.renderToken(tokens, index, options)
      : render(tokens, index, options, env, self);
  };
}
