import { readdirSync } from "node:fs";
import path from "node:path";
import type { DefaultTheme } from "vitepress";
import { docs, titleOf } from "./page-titles.ts";

type Item = DefaultTheme.SidebarItem;

const page = (text: string, link: string): Item => ({ text, link });

/** The pages of the guide, in the order in which a person asks. */
export function guideSidebar(): Item[] {
  return [
    {
      text: "Begin",
      items: [
        page("What it is", "/guide/what-it-is"),
        page("Start", "/guide/start"),
        page("Choose a model", "/models"),
      ],
    },
    {
      text: "Search",
      items: [
        page("Encode", "/guide/encode"),
        page("Keywords", "/guide/keywords"),
        page("Retrieve", "/guide/retrieve"),
        page("Rerank", "/rerankers"),
        page("Stores", "/stores"),
        page("Write a store", "/writing-a-store"),
        page("Evaluate", "/evaluation"),
      ],
    },
    {
      text: "Where you work",
      items: [
        page("LangChain.js", "/langchain"),
        page("LlamaIndex.TS", "/llamaindex"),
        page("Command line", "/command-line"),
        page("Server and page", "/server"),
        page("From sentence-transformers", "/from-sentence-transformers"),
        page("From fastembed", "/from-fastembed"),
        page("From EnsembleRetriever", "/from-ensemble-retriever"),
      ],
    },
    {
      text: "Run",
      items: [
        page("Deploy", "/deploy"),
        page("GPUs", "/gpu"),
        page("Security", "/security"),
        page("Compatibility", "/compatibility"),
        page("Benchmarks", "/benchmarks"),
      ],
    },
    {
      text: "Work on it",
      items: [
        page("Architecture", "/architecture"),
        page("Add a family of models", "/guide/adding-a-family"),
        page("Decisions", "/decisions/"),
      ],
    },
    page("Reference", "/reference/"),
  ];
}

/** The decision records, by title. */
export function decisionsSidebar(): Item[] {
  const folder = path.join(docs, "decisions");
  const items = readdirSync(folder)
    .filter((file) => file.endsWith(".md") && file !== "README.md")
    .map((file) =>
      page(titleOf(path.join(folder, file)) ?? file, `/decisions/${file.slice(0, -".md".length)}`),
    )
    .sort((a, b) => a.text!.localeCompare(b.text!, "en"));
  return [{ text: "Decisions", link: "/decisions/", items }];
}
