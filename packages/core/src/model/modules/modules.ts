import path from "node:path";
import { received, SparseEncoderError } from "../../errors.ts";
import type { ModuleDescription, Pipeline, WantedModel } from "../description.ts";
import { isJsonObject, readJsonFile, setting } from "../json-file.ts";
import {
  type ListedModule,
  type ModuleSettings,
  oneOf,
  readModuleSettings,
  refuseSettings,
  requiredSize,
} from "./module-settings.ts";
import { readPooling } from "./pooling-module.ts";
import { inside, type Routes, readRouter } from "./router.ts";
import { readModelMaxLength, readTransformer } from "./transformer-module.ts";

/** Readers of the module classes of sentence-transformers, by the last part of their dotted names. */
const readers: Readonly<Record<string, (module: ListedModule) => Promise<ModuleDescription>>> = {
  Transformer: readTransformer,
  MLMTransformer: readTransformer,
  SpladePooling: readSpladePooling,
  Pooling: readPooling,
  Normalize: readNormalize,
  Dense: readDense,
  Dropout: async () => ({ kind: "Dropout" }),
  LayerNorm: readLayerNorm,
  SparseAutoEncoder: readSparseAutoEncoder,
  SparseStaticEmbedding: readSparseStaticEmbedding,
};

const routers = ["Router", "Asym"];

/** Settings of modules that choose what they read and write: what differs would run on other vectors. */
const vectorNames = {
  module_input_name: ["sentence_embedding"],
  module_output_name: ["sentence_embedding"],
};

/**
 * Reads the modules of a model folder: `modules.json`, a router's `router_config.json`, and each module's settings.
 * Without `modules.json` a checkpoint is pooled as the reference does by default: for a sparse encoder by maximum and relu,
 * for a dense one by the mean of its token vectors.
 */
export async function readModules(root: string, modelType: WantedModel): Promise<Routes> {
  const file = path.join(root, "modules.json");
  const json = await readJsonFile(file);
  if (json === undefined) {
    const plain: Pipeline = [
      await readTransformer({ folder: root }),
      modelType === "SparseEncoder"
        ? { kind: "SpladePooling", strategy: "max", activation: "relu", isAssumed: true }
        : { kind: "Pooling", modes: ["mean"], includePrompt: true },
    ];
    return { plain, query: plain, document: plain };
  }
  if (!Array.isArray(json) || json.length === 0 || !json.every(isJsonObject)) {
    throw new SparseEncoderError("MODEL_INVALID", `${file} must list modules, found ${received(json)}.`);
  }
  const entries = json.map((entry) => ({
    type: setting(entry, "type", "", file),
    folder: inside(root, setting(entry, "path", "", file), file),
    listedIn: file,
  }));
  const isRouter = (entry: ListedModule) => routers.includes(kindOf(entry));
  const router = entries.find(isRouter);
  const [before, after] =
    router === undefined ? [entries, []] : splitAt(entries, entries.indexOf(router), isRouter);
  const start = await Promise.all(before.map(readModule));
  if (router === undefined) return { plain: start, query: start, document: start };
  const end = await Promise.all(after.map(readModule));
  return surround(start, await readRouter(router, readModule), end);
}

function splitAt(
  entries: readonly ListedModule[],
  position: number,
  isRouter: (entry: ListedModule) => boolean,
): [ListedModule[], ListedModule[]] {
  const after = entries.slice(position + 1);
  if (!after.some(isRouter)) return [entries.slice(0, position), after];
  throw new SparseEncoderError(
    "MODEL_UNSUPPORTED",
    `${entries[0]!.listedIn} lists more than one router, which is not supported.`,
  );
}

/** Each route with what comes before and after the router; routes that were the same object stay so. */
function surround(start: Pipeline, routes: Routes, end: Pipeline): Routes {
  const whole = new Map<Pipeline, Pipeline>();
  for (const route of Object.values(routes) as Pipeline[]) whole.set(route, [...start, ...route, ...end]);
  const { plain, query, document } = routes;
  return { plain: whole.get(plain)!, query: whole.get(query)!, document: whole.get(document)! };
}

async function readModule(module: ListedModule): Promise<ModuleDescription> {
  const read = readers[kindOf(module)];
  if (read !== undefined) return read(module);
  throw new SparseEncoderError(
    "MODEL_UNSUPPORTED",
    `${module.listedIn} has ${received(module.type)} inside a router, which is not supported.`,
  );
}

/** The last part of a dotted class name of a supported module. */
function kindOf({ type, listedIn }: ListedModule): string {
  const kind = type.slice(type.lastIndexOf(".") + 1);
  const known = [...Object.keys(readers), ...routers];
  // Classes outside the reference's own packages are custom code, whatever their last name.
  if (type.startsWith("sentence_transformers.") && known.includes(kind)) return kind;
  throw new SparseEncoderError(
    "MODEL_UNSUPPORTED",
    `${listedIn} names the module ${received(type)}, which is not supported. Supported modules: ${known.join(", ")}.`,
  );
}

async function readSpladePooling(module: ListedModule): Promise<ModuleDescription> {
  const settings = await readModuleSettings(module);
  return {
    kind: "SpladePooling",
    strategy: oneOf(settings, "pooling_strategy", ["max", "sum"]),
    activation: oneOf(settings, "activation_function", ["relu", "log1p_relu"]),
  };
}

/** Older releases saved no settings of this module. */
async function readNormalize({ folder }: ListedModule): Promise<ModuleDescription> {
  const file = path.join(folder, "config.json");
  const json = await readJsonFile(file);
  if (isJsonObject(json)) refuseSettings({ json, file }, vectorNames);
  return { kind: "Normalize" };
}

async function readDense(module: ListedModule): Promise<ModuleDescription> {
  const settings = await readModuleSettings(module);
  const { json, file } = settings;
  refuseSettings(settings, { ...vectorNames, use_residual: [false] });
  return {
    kind: "Dense",
    folder: module.folder,
    inFeatures: requiredSize(settings, "in_features"),
    outFeatures: requiredSize(settings, "out_features"),
    bias: setting(json, "bias", true, file),
    activation: activationOf(settings),
  };
}

/** The name of an activation by the class of torch; classes of others are custom code, whatever their last name. */
function activationOf({ json, file }: ModuleSettings): string {
  const name: string = setting(json, "activation_function", "torch.nn.modules.activation.Tanh", file);
  if (!name.startsWith("torch.")) {
    throw new SparseEncoderError(
      "MODEL_UNSUPPORTED",
      `${file} names the activation function ${received(name)}, which is not supported: only activations of torch are.`,
    );
  }
  return name.slice(name.lastIndexOf(".") + 1).toLowerCase();
}

async function readLayerNorm(module: ListedModule): Promise<ModuleDescription> {
  const settings = await readModuleSettings(module);
  return { kind: "LayerNorm", folder: module.folder, width: requiredSize(settings, "dimension") };
}

async function readSparseAutoEncoder(module: ListedModule): Promise<ModuleDescription> {
  const settings = await readModuleSettings(module);
  const { json, file } = settings;
  return {
    kind: "SparseAutoEncoder",
    folder: module.folder,
    inputSize: requiredSize(settings, "input_dim"),
    latents: setting(json, "hidden_dim", 512, file),
    activeDims: setting(json, "k", 8, file),
    normalize: setting(json, "normalize", false, file),
  };
}

async function readSparseStaticEmbedding(module: ListedModule): Promise<ModuleDescription> {
  const { folder } = module;
  await readModuleSettings(module);
  const maxSeqLength = await readModelMaxLength(folder);
  return { kind: "SparseStaticEmbedding", folder, lowercase: false, maxSeqLength: maxSeqLength || undefined };
}
