import { Command } from "commander";
import { defaultLimits } from "../server/guards/server-limits.ts";
import { addCollectionOptions } from "./collection-options.ts";
import { examples } from "./examples.ts";
import { collect, nonNegativeNumber, portNumber, positiveNumber } from "./option-values.ts";

const defaultAddress = { host: "127.0.0.1", port: 8080 };

export function serveCommand(): Command {
  const command = new Command("serve")
    .summary("start a server and a page that shows why")
    .description(
      "Start a server on this machine: vectors in the shapes of text-embeddings-inference and OpenAI, search, explanations, documents, MCP on /mcp, metrics, and a page for people. Without --index, and without an index in the usual folder, the index is in memory.",
    )
    .option("--host <address>", "address to listen on", defaultAddress.host)
    .option("-p, --port <n>", "port; 0 for any that is free", portNumber, defaultAddress.port)
    .option("--mcp", "speak MCP on standard input and output, in place of HTTP")
    .option(
      "--beir <folder>",
      "search a BEIR collection, whose judgements the page shows, in place of an index",
    )
    .option("--split <name>", "judgements of the BEIR collection that are used", "test")
    .option("--queries <file>", "judged queries for the index, in the layout of BEIR; with --qrels")
    .option("--qrels <file>", "judgements of these queries, in the layout of BEIR or of TREC")
    .option(
      "--compare <model>",
      "further sparse model, folder or name, that the page sets beside the first; may be given several times",
      collect,
    )
    .option("--reranker <model>", "reranker of /rerank, folder or name")
    .option(
      "--api-key-file <file>",
      "file of the key that requests must send (default: SPARSE_ENCODER_API_KEY)",
    )
    .option("--insecure", "listen to other machines without a key")
    .option("--allow-host <name>", "further name under which the server may be asked", collect)
    .option("--allow-origin <origin>", "origin of pages that may ask the server", collect);
  return addCollectionOptions(addLimitOptions(command))
    .addHelpText(
      "after",
      examples(
        "sparse-encoder serve                                    the page: http://127.0.0.1:8080",
        "sparse-encoder serve --index ./index --dense sentence-transformers/all-MiniLM-L6-v2",
        "sparse-encoder serve --beir data/cranfield --compare naver/splade-v3   two models side by side, with nDCG@10",
        "sparse-encoder serve --mcp --index ./index              tools for an agent",
        'curl http://127.0.0.1:8080/embed_sparse --json \'{"inputs": "cheap flights"}\'',
      ),
    )
    .action(async (options, named: Command) => {
      const { serve } = await import("../server/serve.ts");
      await serve({ ...options, isIndexNamed: named.getOptionValueSource("index") !== "default" });
    });
}

/** Adds the limits of the server, each with its default. */
function addLimitOptions(command: Command): Command {
  const limits = defaultLimits;
  return command
    .option("--max-body <MiB>", `largest body (default: ${limits.bodyBytes / 2 ** 20})`, positiveNumber)
    .option("--max-texts <n>", `texts of a request (default: ${limits.requestTexts})`, positiveNumber)
    .option("--max-requests <n>", `requests under way (default: ${limits.requests})`, positiveNumber)
    .option(
      "--max-queue <n>",
      `texts that wait for the encoder (default: ${limits.queuedTexts})`,
      positiveNumber,
    )
    .option("--batch <n>", `texts of an encoder call (default: ${limits.batchTexts})`, positiveNumber)
    .option(
      "--batch-wait <ms>",
      `how long a text waits for others (default: ${limits.batchWait})`,
      nonNegativeNumber,
    )
    .option("--timeout <s>", `time of a request (default: ${limits.timeout / 1000})`, positiveNumber)
    .option(
      "--grace <s>",
      `time to answer what is under way at the end (default: ${limits.grace / 1000})`,
      positiveNumber,
    );
}
