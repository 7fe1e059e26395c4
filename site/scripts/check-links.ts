// Checks the built site: every link leads to a page and an anchor that exist, and no page asks another host for anything.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { Parser } from "htmlparser2";

const dist = fileURLToPath(new URL("../dist", import.meta.url));
const base = process.env.DOCS_BASE ?? "/";

/** What a page offers and asks for. */
interface Page {
  readonly anchors: Set<string>;
  /** Targets of `a`. */
  readonly links: string[];
  /** What a browser loads by itself. */
  readonly loads: string[];
}

const files = readdirSync(dist, { recursive: true, encoding: "utf8" }).map((file) =>
  file.split(path.sep).join("/"),
);
const pages = new Map(files.filter((file) => file.endsWith(".html")).map((file) => [file, readPage(file)]));
const problems = [
  ...[...pages].flatMap(([file, page]) => brokenLinks(file, page)),
  ...files.filter((file) => file.endsWith(".css")).flatMap(foreignStyles),
];
const links = [...pages.values()].reduce((sum, page) => sum + page.links.length, 0);
for (const problem of problems) process.stderr.write(`${problem}\n`);
process.stdout.write(`${pages.size} pages, ${links} links, ${problems.length} broken\n`);
process.exitCode = problems.length === 0 && pages.size > 0 ? 0 : 1;

function readPage(file: string): Page {
  const page: Page = { anchors: new Set(), links: [], loads: [] };
  const parser = new Parser({
    onopentag(name, attributes) {
      const { id, href, src } = attributes;
      if (id !== undefined) page.anchors.add(id);
      if (name === "a" && href !== undefined) page.links.push(href);
      if (name === "link" && href !== undefined) page.loads.push(href);
      if (src !== undefined) page.loads.push(src);
    },
  });
  parser.end(readFileSync(path.join(dist, file), "utf8"));
  return page;
}

function brokenLinks(file: string, { links, loads }: Page): string[] {
  const isForeign = (target: string) => /^([a-z]+:)?\/\//.test(target);
  const foreign = loads.filter(isForeign).map((target) => `${file} loads ${target} from another host`);
  const broken = [...new Set([...links, ...loads])]
    .filter(
      (target) => !isForeign(target) && !/^(mailto|data):/.test(target) && !leadsSomewhere(file, target),
    )
    .map((target) => `${file} links to ${target}, which does not exist`);
  return [...foreign, ...broken];
}

function leadsSomewhere(file: string, target: string): boolean {
  const { pathname, hash } = new URL(target, `http://site${base}${file}`);
  if (!pathname.startsWith(base)) return false;
  const wanted = decodeURIComponent(pathname.slice(base.length));
  const found = [wanted, `${wanted}index.html`, `${wanted}.html`, `${wanted}/index.html`].find(
    (name) => name !== "" && existsSync(path.join(dist, name)) && path.extname(name) !== "",
  );
  if (found === undefined) return false;
  return hash === "" || pages.get(found)?.anchors.has(decodeURIComponent(hash.slice(1))) === true;
}

function foreignStyles(file: string): string[] {
  const style = readFileSync(path.join(dist, file), "utf8");
  return Array.from(
    style.matchAll(/(?:url\(|@import )["']?((?:https?:)?\/\/[^"')]+)/g),
    ([, target]) => `${file} loads ${target} from another host`,
  );
}
