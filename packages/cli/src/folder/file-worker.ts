// A thread that reads files for `file-reader.ts`.
import { parentPort } from "node:worker_threads";
import { messageOf } from "../command-error.ts";
import { documentsOfFile } from "./documents-of-file.ts";
import type { FileQuestion, FileReply } from "./file-reader.ts";

parentPort!.on("message", async ({ name, bytes }: FileQuestion) => {
  let reply: FileReply;
  try {
    reply = { documents: await documentsOfFile(name, bytes) };
  } catch (error) {
    const isDeep = error instanceof RangeError && /call stack/.test(error.message);
    reply = { problem: isDeep ? "it nests too deep" : messageOf(error).split("\n", 1)[0]! };
  }
  parentPort!.postMessage(reply);
});
