import path from "node:path";
import { readPytorchWeights } from "./pytorch-weights.ts";
import { readSafetensors } from "./safetensors.ts";
import type { TensorTable } from "./tensor.ts";

/** A kind of file that holds the weights of a model. */
interface WeightContainer {
  /** Name of the file in a model folder. */
  readonly file: string;
  /** Reads where the tensors lie, not the tensors. */
  readonly read: (file: string) => Promise<TensorTable>;
}

/** In the order in which a folder is searched. A new container is an entry here. */
export const containers: readonly WeightContainer[] = [
  { file: "model.safetensors", read: readSafetensors },
  { file: "pytorch_model.bin", read: readPytorchWeights },
];

/** Name of the list of the parts of a container that is divided. */
export function indexName(file: string): string {
  return `${file}.index.json`;
}

const extensions = containers.map(({ file }) => path.extname(file));

/** Whether a name ends as the name of a container does. */
export function isContainer(name: string): boolean {
  return extensions.includes(path.posix.extname(name));
}

/** What the name of a part says, such as `model-00001-of-00003.safetensors`; undefined for another name. */
export function parseShardName(
  name: string,
): { readonly whole: string; readonly nameOf: (part: number) => string; readonly parts: number } | undefined {
  const [, stem, count, extension] = /^(.+)-\d{5}-of-(\d{5})(\.[a-z]+)$/.exec(name) ?? [];
  if (stem === undefined || count === undefined || !extensions.includes(extension!)) return undefined;
  return {
    whole: `${stem}${extension}`,
    parts: Number(count),
    nameOf: (part) => `${stem}-${String(part).padStart(5, "0")}-of-${count}${extension}`,
  };
}
