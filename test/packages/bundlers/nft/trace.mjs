// Copies what the program needs into a folder of its own, as it is packed for AWS Lambda.
import { cpSync } from "node:fs";
import path from "node:path";
import { nodeFileTrace } from "@vercel/nft";

const { fileList } = await nodeFileTrace(["index.mjs"]);
for (const file of fileList) cpSync(file, path.join("traced", file), { verbatimSymlinks: true });
