import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { Bm25Encoder, HybridRetriever, MemoryStore, SparseEncoder } from "@sparse-encoder/core";
import { HybridRetriever as LangChainRetriever } from "@sparse-encoder/langchain";

const folder = process.env.DOCUMENTS ?? path.join(process.cwd(), "../documents");

/** One retriever for all requests: opened by the first one, and kept while the development server reloads modules. */
export function retriever() {
  globalThis.documentRetriever ??= open().catch((error) => {
    globalThis.documentRetriever = undefined;
    throw error;
  });
  return globalThis.documentRetriever;
}

async function open() {
  const store = new MemoryStore();
  const retriever = new HybridRetriever({
    arms: {
      sparse: { encoder: await SparseEncoder.load(), store },
      keyword: { encoder: new Bm25Encoder(), store },
    },
  });
  await retriever.add(await passages());
  return new LangChainRetriever({ retriever, k: 3 });
}

async function passages() {
  const names = (await readdir(folder)).filter((name) => name.endsWith(".md")).sort();
  const files = await Promise.all(
    names.map(async (name) => [name, await readFile(path.join(folder, name), "utf8")]),
  );
  return files.flatMap(([name, text]) => {
    const [title, ...paragraphs] = text.split(/\n\s*\n/);
    const metadata = { title: title.replace(/^#\s*/, "").trim() };
    return paragraphs.map((text, number) => ({
      id: `${name}#${number + 1}`,
      text: text.replace(/\s+/g, " ").trim(),
      metadata,
    }));
  });
}
