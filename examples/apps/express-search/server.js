// A search service. Start: npm start; then open http://127.0.0.1:3000, or ask /search?q=error+E17
// PORT, DOCUMENTS (a folder of Markdown) and INDEX (where the index is kept) come from the environment.
import { fileURLToPath } from "node:url";
import { SparseEncoderError } from "@sparse-encoder/core";
import express from "express";
import { openSearch, readPassages } from "./search.js";

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const {
  PORT = "3000",
  HOST = "127.0.0.1",
  DOCUMENTS = here("../documents"),
  INDEX = here("index"),
} = process.env;

const { store, retriever, close } = await openSearch(INDEX);
if ((await store.count()) === 0) await retriever.add(await readPassages(DOCUMENTS));

const app = express();
app.use(express.json({ limit: "1mb" }), express.static(here("public")));

app.get("/search", async (request, response) => {
  const { q = "", k = "5", file } = request.query;
  const gone = new AbortController();
  response.on("close", () => gone.abort());
  const hits = await retriever.retrieve(String(q), {
    k: Number(k),
    explain: true,
    signal: gone.signal,
    ...(file !== undefined && { filter: { file: String(file) } }),
  });
  response.json(hits.map(({ id, text, metadata, score, arms }) => ({ id, text, metadata, score, arms })));
});

app.post("/documents", async (request, response) => {
  const ids = await retriever.add(request.body);
  response.status(201).json({ ids });
});

app.delete("/documents/:id", async (request, response) => {
  await store.delete([request.params.id]);
  response.status(204).end();
});

app.get("/health", (_, response) => response.json({ status: "ok" }));

// What the caller did wrong is said to the caller, the rest is not.
app.use((error, _request, response, next) => {
  if (response.headersSent) return next(error);
  const isCallers = SparseEncoderError.is(error) && /^(INVALID|UNKNOWN|DUPLICATE)/.test(error.code);
  if (!isCallers && !(error.status < 500)) console.error(error);
  const status = isCallers ? 400 : (error.status ?? 500);
  response.status(status).json({ error: status < 500 ? error.message : "The search failed." });
});

const server = app.listen(Number(PORT), HOST, () => {
  console.log(`Listening on http://${HOST}:${server.address().port}`);
});
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, () => server.close(close));
}
