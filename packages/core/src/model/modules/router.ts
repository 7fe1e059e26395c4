import path from "node:path";
import { received, SparseEncoderError } from "../../errors.ts";
import type { ModuleDescription, Pipeline } from "../description.ts";
import { isJsonObject, type JsonObject, setting } from "../json-file.ts";
import { type ListedModule, missingSettings, readFirstSettings } from "./module-settings.ts";

/** The pipelines of a model. */
export interface Routes {
  readonly plain: Pipeline;
  readonly query: Pipeline;
  readonly document: Pipeline;
}

/** Reads a router: one pipeline per route. Source: `Router` of sentence-transformers. */
export async function readRouter(
  { folder, listedIn }: ListedModule,
  readModule: (module: ListedModule) => Promise<ModuleDescription>,
): Promise<Routes> {
  const { file, json } = await readFirstSettings(folder, ["router_config.json", "config.json"]);
  const { types, structure } = json;
  if (Object.keys(json).length === 0) throw missingSettings(file, listedIn);
  const parameters = isJsonObject(json.parameters) ? json.parameters : {};
  if (!isJsonObject(types) || !isJsonObject(structure)) {
    throw new SparseEncoderError("MODEL_INVALID", `${file} must hold "types" and "structure" of a router.`);
  }
  const read = new Map<string, ModuleDescription>();
  const routes = new Map<string, Pipeline>();
  for (const [route, ids] of Object.entries(structure)) {
    if (!Array.isArray(ids))
      throw new SparseEncoderError("MODEL_INVALID", `${file}: route ${received(route)} lists no modules.`);
    const pipeline: ModuleDescription[] = [];
    // One after the other: a module that is refused must not leave another one's failure unheard.
    for (const id of ids) {
      if (typeof id !== "string" || !Object.hasOwn(types, id)) {
        throw new SparseEncoderError(
          "MODEL_INVALID",
          `${file}: route ${received(route)} names the unknown module ${received(id)}.`,
        );
      }
      const listed = { type: setting(types, id, "", file), folder: inside(folder, id, file), listedIn: file };
      const known = read.get(id) ?? (await readModule(listed));
      read.set(id, known);
      pipeline.push(known);
    }
    routes.set(route, pipeline);
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
    `${file} has no route for ${task ?? "plain encode"}; its routes are ${received([...routes.keys()])}.`,
  );
}

/** Characters of a path of a module; file systems take as many in a name at most. */
const longestPath = 255;

/**
 * The folder `relative` below `root`, which it may not leave.
 * @throws SparseEncoderError `MODEL_INVALID`
 */
export function inside(root: string, relative: string, file: string): string {
  const folder = path.resolve(root, relative);
  if (relative.length > longestPath || relative.includes("\0")) {
    throw new SparseEncoderError(
      "MODEL_INVALID",
      `${file} names a path that cannot be: ${received(relative)}.`,
    );
  }
  if (folder !== root && !folder.startsWith(root + path.sep)) {
    throw new SparseEncoderError(
      "MODEL_INVALID",
      `${file} names a path outside the model folder: ${received(relative)}.`,
    );
  }
  return folder;
}
