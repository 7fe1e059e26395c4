import path from "node:path";
import { received, SparseEncoderError } from "../../errors.ts";
import { type ModuleDescription, type Pipeline, type PoolingMode, poolingModes } from "../description.ts";
import { isJsonObject, type JsonObject, readJsonFile, readJsonObject, setting } from "../json-file.ts";

/** Readers of the module classes of sentence-transformers, by the last part of their dotted names. */
const readers: Readonly<Record<string, (folder: string) => Promise<ModuleDescription>>> = {
  Transformer: readTransformer,
  MLMTransformer: readTransformer,
  SpladePooling: readSpladePooling,
  Pooling: readPooling,
  Normalize: async () => ({ kind: "Normalize" }),
  Dense: readDense,
  SparseAutoEncoder: readSparseAutoEncoder,
  SparseStaticEmbedding: readSparseStaticEmbedding,
};

const routers = ["Router", "Asym"];

/** The pipelines of a model. */
export interface Routes {
  readonly plain: Pipeline;
  readonly query: Pipeline;
  readonly document: Pipeline;
}

/**
 * Reads the modules of a model folder: `modules.json`, a router's `router_config.json`, and each module's settings.
 * Without `modules.json` a masked-LM checkpoint is pooled as the reference does by default, by maximum and relu.
 */
export async function readModules(root: string): Promise<Routes> {
  const file = path.join(root, "modules.json");
  const json = await readJsonFile(file);
  if (json === undefined) {
    const plain: Pipeline = [
      await readTransformer(root),
      { kind: "SpladePooling", strategy: "max", activation: "relu" },
    ];
    return { plain, query: plain, document: plain };
  }
  if (!Array.isArray(json) || json.length === 0 || !json.every(isJsonObject)) {
    throw new SparseEncoderError("MODEL_INVALID", `${file} must list modules, found ${received(json)}.`);
  }
  const entries = json.map((entry) => ({
    type: setting(entry, "type", "", file),
    folder: inside(root, setting(entry, "path", "", file), file),
  }));
  const [first] = entries;
  if (entries.length === 1 && first !== undefined && routers.includes(kindOf(first.type, file))) {
    return readRouter(first.folder);
  }
  const plain = await Promise.all(entries.map(({ type, folder }) => readModule(type, folder, file)));
  return { plain, query: plain, document: plain };
}

/** Reads a router: one pipeline a route. Source: `Router` of sentence-transformers. */
async function readRouter(root: string): Promise<Routes> {
  const [file, json] = await firstObject(root, ["router_config.json", "config.json"]);
  const { types, structure } = json ?? {};
  const parameters = isJsonObject(json?.parameters) ? json.parameters : {};
  if (!isJsonObject(types) || !isJsonObject(structure)) {
    throw new SparseEncoderError("MODEL_INVALID", `${file} must hold "types" and "structure" of a router.`);
  }
  const read = new Map<string, Promise<ModuleDescription>>();
  const routes = new Map<string, Pipeline>();
  for (const [route, ids] of Object.entries(structure)) {
    if (!Array.isArray(ids))
      throw new SparseEncoderError("MODEL_INVALID", `${file}: route "${route}" lists no modules.`);
    const pipeline = ids.map((id) => {
      if (typeof id !== "string" || !Object.hasOwn(types, id)) {
        throw new SparseEncoderError(
          "MODEL_INVALID",
          `${file}: route "${route}" names the unknown module ${received(id)}.`,
        );
      }
      const known = read.get(id) ?? readModule(setting(types, id, "", file), inside(root, id, file), file);
      read.set(id, known);
      return known;
    });
    routes.set(route, await Promise.all(pipeline));
  }
  const find = (task: string | undefined) => routeOf(task, routes, parameters, file);
  return { plain: find(undefined), query: find("query"), document: find("document") };
}

/** The route of a task, in the reference's order: mappings, the route named like it, the one for text, the default. */
function routeOf(
  task: string | undefined,
  routes: ReadonlyMap<string, Pipeline>,
  parameters: JsonObject,
  file: string,
): Pipeline {
  const mappings = isJsonObject(parameters.route_mappings) ? parameters.route_mappings : {};
  // Keys are Python tuples as text: ('query', 'text'), with None as wildcard.
  const python = (name: string | undefined) => (name === undefined ? "None" : `'${name}'`);
  const keys = [
    [task, "text"],
    [task, undefined],
    [undefined, "text"],
    [undefined, undefined],
  ] as const;
  const mapped = keys.map(([name, kind]) => mappings[`(${python(name)}, ${python(kind)})`]);
  const [first] = routes.keys();
  const fallback = setting(parameters, "allow_empty_key", true, file) ? (first ?? "") : "";
  const named = task ?? setting(parameters, "default_route", fallback, file);
  for (const candidate of [...mapped, named, "text"]) {
    const route = typeof candidate === "string" ? routes.get(candidate) : undefined;
    if (route !== undefined) return route;
  }
  throw new SparseEncoderError(
    "MODEL_INVALID",
    `${file} has no route for ${task ?? "plain encode"}; its routes are ${[...routes.keys()].join(", ")}.`,
  );
}

function readModule(type: string, folder: string, file: string): Promise<ModuleDescription> {
  const read = readers[kindOf(type, file)];
  if (read !== undefined) return read(folder);
  throw new SparseEncoderError(
    "MODEL_UNSUPPORTED",
    `${file} has ${received(type)} among other modules; a router is supported on its own alone.`,
  );
}

/** The last part of a dotted class name of a supported module. */
function kindOf(type: string, file: string): string {
  const kind = type.slice(type.lastIndexOf(".") + 1);
  const known = [...Object.keys(readers), ...routers];
  // Classes outside the reference's own packages are custom code, whatever their last name.
  if (type.startsWith("sentence_transformers.") && known.includes(kind)) return kind;
  throw new SparseEncoderError(
    "MODEL_UNSUPPORTED",
    `${file} names the module ${received(type)}, which is not supported. Supported modules: ${known.join(", ")}.`,
  );
}

async function readTransformer(folder: string): Promise<ModuleDescription> {
  const configFile = path.join(folder, "config.json");
  const config = await readJsonObject(configFile);
  if (config === undefined) {
    throw new SparseEncoderError(
      "MODEL_NOT_FOUND",
      `${folder} holds no model: config.json is missing. A model folder needs config.json, weights and a tokenizer.`,
    );
  }
  const [file, settings = {}] = await firstObject(folder, [
    "sentence_bert_config.json",
    "sentence_roberta_config.json",
    "sentence_distilbert_config.json",
    "sentence_camembert_config.json",
    "sentence_albert_config.json",
    "sentence_xlm-roberta_config.json",
  ]);
  const positions = setting(config, "max_position_embeddings", 0, configFile);
  const asked = setting(settings, "max_seq_length", 0, file) || (await readModelMaxLength(folder));
  const lengths = [asked, positions].filter((length) => length > 0);
  return {
    kind: "Transformer",
    folder,
    config,
    configFile,
    lowercase: setting(settings, "do_lower_case", false, file),
    maxSeqLength: lengths.length === 0 ? undefined : Math.min(...lengths),
  };
}

async function readSpladePooling(folder: string): Promise<ModuleDescription> {
  const [file, json = {}] = await firstObject(folder, ["config.json"]);
  return {
    kind: "SpladePooling",
    strategy: oneOf(json, "pooling_strategy", ["max", "sum"], file),
    activation: oneOf(json, "activation_function", ["relu", "log1p_relu"], file),
  };
}

async function readPooling(folder: string): Promise<ModuleDescription> {
  const [file, json = {}] = await firstObject(folder, ["config.json"]);
  return {
    kind: "Pooling",
    modes: readPoolingModes(json, file),
    includePrompt: setting(json, "include_prompt", true, file),
  };
}

function readPoolingModes(json: JsonObject, file: string): PoolingMode[] {
  const named = json.pooling_mode;
  const names =
    named === undefined || named === null
      ? // Older files have a switch a mode; the keys of some end in `_token` or `_tokens`.
        poolingModes.filter((mode) =>
          [mode, `${mode}_token`, `${mode}_tokens`].some((key) =>
            setting(json, `pooling_mode_${key}`, false, file),
          ),
        )
      : [named].flat();
  if (names.length === 0) return ["mean"];
  return names.map((name) => {
    const mode = poolingModes.find((known) => known === name);
    if (mode === undefined) {
      throw new SparseEncoderError(
        "MODEL_UNSUPPORTED",
        `${file}: the pooling mode ${received(name)} is not supported. Supported: ${poolingModes.join(", ")}.`,
      );
    }
    return mode;
  });
}

async function readDense(folder: string): Promise<ModuleDescription> {
  const [file, json = {}] = await firstObject(folder, ["config.json"]);
  if (setting(json, "use_residual", false, file)) {
    throw new SparseEncoderError(
      "MODEL_UNSUPPORTED",
      `${file}: a Dense module with use_residual is not supported.`,
    );
  }
  const name = setting(json, "activation_function", "torch.nn.modules.activation.Tanh", file);
  return {
    kind: "Dense",
    folder,
    inFeatures: setting(json, "in_features", 0, file),
    outFeatures: setting(json, "out_features", 0, file),
    bias: setting(json, "bias", true, file),
    activation: name.slice(name.lastIndexOf(".") + 1).toLowerCase(),
  };
}

async function readSparseAutoEncoder(folder: string): Promise<ModuleDescription> {
  const [file, json = {}] = await firstObject(folder, ["config.json"]);
  return {
    kind: "SparseAutoEncoder",
    folder,
    inputSize: setting(json, "input_dim", 0, file),
    latents: setting(json, "hidden_dim", 512, file),
    activeDims: setting(json, "k", 8, file),
    normalize: setting(json, "normalize", false, file),
  };
}

async function readSparseStaticEmbedding(folder: string): Promise<ModuleDescription> {
  const maxSeqLength = await readModelMaxLength(folder);
  return { kind: "SparseStaticEmbedding", folder, lowercase: false, maxSeqLength: maxSeqLength || undefined };
}

/** `model_max_length` of the tokenizer; 0 if it names none. */
async function readModelMaxLength(folder: string): Promise<number> {
  const [file, json = {}] = await firstObject(folder, ["tokenizer_config.json"]);
  const length = setting(json, "model_max_length", 0, file);
  // Tokenizers without a limit store 10^30.
  return Number.isSafeInteger(length) ? length : 0;
}

/** The first of these JSON files that exists, with its path; the path of the first name if none does. */
async function firstObject(
  folder: string,
  names: readonly string[],
): Promise<[file: string, json: JsonObject | undefined]> {
  for (const name of names) {
    const file = path.join(folder, name);
    const json = await readJsonObject(file);
    if (json !== undefined) return [file, json];
  }
  return [path.join(folder, names[0]!), undefined];
}

/** The folder `relative` below `root`, which it may not leave. */
function inside(root: string, relative: string, file: string): string {
  const folder = path.resolve(root, relative);
  if (folder !== root && !folder.startsWith(root + path.sep)) {
    throw new SparseEncoderError(
      "MODEL_INVALID",
      `${file} names a path outside the model folder: ${received(relative)}.`,
    );
  }
  return folder;
}

function oneOf<Name extends string>(
  json: JsonObject,
  key: string,
  names: readonly [Name, ...Name[]],
  file: string,
): Name {
  const value = setting(json, key, names[0] as string, file);
  const found = names.find((name) => name === value);
  if (found === undefined) {
    throw new SparseEncoderError(
      "MODEL_INVALID",
      `${file}: "${key}" must be one of ${names.join(", ")}, found ${received(value)}.`,
    );
  }
  return found;
}
