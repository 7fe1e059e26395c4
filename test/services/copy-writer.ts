// A process that copies a collection to Postgres until it is killed. Arguments: url, table, number of documents. Says how many
// documents are there after each batch.
import { writeSync } from "node:fs";
import { MemoryStore } from "@sparse-encoder/core";
import { copyStore, PostgresStore } from "@sparse-encoder/core/stores";
import { randomCollection, collectionVectors as vectors } from "./random-collection.ts";

const [url, table, count] = process.argv.slice(2);
const memory = new MemoryStore({ vectors });
await memory.upsert([...randomCollection(Number(count))]);
await using postgres = await PostgresStore.open({ url: url!, table: table!, vectors });
await copyStore(memory, postgres, { onProgress: ({ done }) => writeSync(1, `${done}\n`) });
