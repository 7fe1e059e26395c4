import { existsSync, readdirSync } from "node:fs";
import path from "node:path";
import type { DefaultTheme } from "vitepress";
import { kinds, modules } from "./modules.ts";
import { docs } from "./page-titles.ts";

type Item = DefaultTheme.SidebarItem;

/** The links to the pages of the API, from the files that TypeDoc wrote; a page lists only the names of its own module. */
export function referenceSidebars(): Record<string, Item[]> {
  const all = modules.map((name) => ({ text: name, link: `/${folderOf(name)}/` }));
  const open = modules.map((name) => [
    `/${folderOf(name)}/`,
    all.map((item, position) => (modules[position] === name ? { ...item, items: namesOf(name) } : item)),
  ]);
  return { "/reference/": all, ...Object.fromEntries(open) };
}

const folderOf = (name: string) => `reference/@sparse-encoder/${name}`;

function namesOf(name: string): Item[] {
  return kinds.flatMap(({ folder, title }) => {
    const items = pagesIn(`${folderOf(name)}/${folder}`);
    return items.length === 0 ? [] : [{ text: title, collapsed: folder !== "classes", items }];
  });
}

function pagesIn(folder: string): Item[] {
  const place = path.join(docs, folder);
  if (!existsSync(place)) return [];
  return readdirSync(place)
    .filter((file) => file.endsWith(".md"))
    .map((file) => file.slice(0, -".md".length))
    .sort((a, b) => a.localeCompare(b, "en"))
    .map((name) => ({ text: name, link: `/${folder}/${name}` }));
}
