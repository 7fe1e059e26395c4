import { fileURLToPath } from "node:url";
import { defineConfig } from "vitepress";
import { linkApiNames } from "./lib/api-links.ts";
import { githubSlug } from "./lib/github-slug.ts";
import { decisionsSidebar, guideSidebar } from "./lib/guide-sidebar.ts";
import { nameLinksByTitle } from "./lib/page-titles.ts";
import { referenceSidebars } from "./lib/reference-sidebar.ts";
import { linkToRepository, repository } from "./lib/repository-links.ts";

const base = process.env.DOCS_BASE ?? "/";

export default defineConfig({
  srcDir: "../docs",
  outDir: "dist",
  rewrites: { "decisions/README.md": "decisions/index.md" },
  base,
  lang: "en",
  title: "sparse-encoder",
  description: "Learned sparse retrieval (SPLADE) and hybrid search for Node.js, without Python",
  head: [["link", { rel: "icon", type: "image/svg+xml", href: `${base}icon.svg` }]],
  vite: {
    publicDir: fileURLToPath(new URL("../public", import.meta.url)),
    build: { chunkSizeWarningLimit: 4096 },
  },
  markdown: {
    anchor: { slugify: githubSlug },
    config: (markdown) => {
      nameLinksByTitle(markdown);
      linkApiNames(markdown);
      linkToRepository(markdown);
    },
    theme: { light: "github-light-high-contrast", dark: "github-dark-high-contrast" },
  },
  themeConfig: {
    logo: "/icon.svg",
    nav: [
      { text: "Guide", link: "/guide/start", activeMatch: "^/(?!reference|decisions)." },
      { text: "Reference", link: "/reference/", activeMatch: "^/reference/" },
      { text: "Decisions", link: "/decisions/", activeMatch: "^/decisions/" },
    ],
    sidebar: { "/": guideSidebar(), "/decisions/": decisionsSidebar(), ...referenceSidebars() },
    outline: { level: [2, 3] },
    search: { provider: "local", options: { detailedView: true } },
    socialLinks: [{ icon: "github", link: repository }],
    footer: { message: "Apache-2.0. The site makes no request to other hosts." },
    externalLinkIcon: true,
  },
});
