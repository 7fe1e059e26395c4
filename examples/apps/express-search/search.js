import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { Bm25Encoder, HybridRetriever, MemoryStore, SparseEncoder } from "@sparse-encoder/core";

/**
 * Opens an index in a folder, with a retriever over it. Another process that has it open for writing is named in the error.
 * @param {string} folder where the index is kept
 */
export async function openSearch(folder) {
  const store = await MemoryStore.open(folder);
  const encoder = await SparseEncoder.load();
  const retriever = new HybridRetriever({
    arms: { sparse: { encoder, store }, keyword: { encoder: new Bm25Encoder(), store } },
  });
  const close = async () => {
    await encoder.close();
    await store.close();
  };
  return { store, retriever, close };
}

/**
 * Passages of a folder of Markdown files, one per paragraph.
 * @param {string} folder
 */
export async function readPassages(folder) {
  const passages = [];
  for (const name of (await readdir(folder)).filter((file) => file.endsWith(".md")).sort()) {
    const [title = name, ...paragraphs] = (await readFile(path.join(folder, name), "utf8")).split(/\n\s*\n/);
    for (const [number, text] of paragraphs.entries()) {
      const metadata = { file: name, title: title.replace(/^#\s*/, "").trim() };
      passages.push({ id: `${name}#${number + 1}`, text: text.replace(/\s+/g, " ").trim(), metadata });
    }
  }
  return passages;
}
