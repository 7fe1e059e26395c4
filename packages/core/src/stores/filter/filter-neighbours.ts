/** What Qdrant, OpenSearch, LlamaIndex and SQL call the operators that join filters. */
const logical: Readonly<Record<string, string>> = {
  and: "$and",
  must: "$and",
  filter: "$and",
  filters: "$and",
  all: "$and",
  or: "$or",
  should: "$or",
  any: "$or",
  not: "$not",
  must_not: "$not",
  none: "$not",
};

/** What other systems call the operators of a field. */
const ofField: Readonly<Record<string, string>> = {
  eq: "$eq",
  "=": "$eq",
  "==": "$eq",
  ne: "$ne",
  "!=": "$ne",
  gt: "$gt",
  ">": "$gt",
  gte: "$gte",
  ">=": "$gte",
  lt: "$lt",
  "<": "$lt",
  lte: "$lte",
  "<=": "$lte",
  in: "$in",
  any: "$in",
  nin: "$nin",
  notin: "$nin",
  not_in: "$nin",
  "not in": "$nin",
  anyof: "$in",
  equal: "$eq",
  equals: "$eq",
  is: "$eq",
  "===": "$eq",
  "<>": "$ne",
  "!==": "$ne",
  neq: "$ne",
  notequal: "$ne",
  notequals: "$ne",
  greaterthan: "$gt",
  greaterthanequal: "$gte",
  ge: "$gte",
  lessthan: "$lt",
  lessthanequal: "$lte",
  le: "$lte",
  except: "$nin",
  exists: "$exists",
  contains: "$contains",
  like: "$contains",
  ilike: "$contains",
  match: "$eq",
  term: "$eq",
};

/** What other systems ask of a field in one operator, and what is written here. `FIELD` stands for the field. */
const inOtherWords: Readonly<Record<string, string>> = {
  between: "{ FIELD: { $gte: …, $lte: … } }",
  all: "{ $and: [{ FIELD: { $eq: … } }, …] }",
  notcontains: "{ $not: { FIELD: { $contains: … } } }",
  not: "{ $not: { FIELD: … } }",
  isnull: "{ FIELD: null }",
  is_null: "{ FIELD: null }",
  isempty: "{ FIELD: { $exists: false } }",
  is_empty: "{ FIELD: { $exists: false } }",
  ...Object.fromEntries(
    ["regex", "regexp", "startswith", "endswith", "prefix", "wildcard", "matches", "text", "glob"].map(
      (name) => [name, "{ FIELD: { $contains: … } }, which is the only comparison with a part of a text"],
    ),
  ),
};

/** Names of the field in systems that write a condition as an object of field, operator and value. */
const fieldNames = ["key", "path", "field", "attribute", "property", "column"];
const operatorNames = ["operator", "op", "comparator", "match", "range"];

/** Clauses of OpenSearch, with the field inside. */
const clauses = ["bool", "term", "terms", "range", "match", "match_phrase"];

/** One condition as other systems write it: names of the field, the operator and the value. */
const conditionShapes = [
  ["key", "operator", "value"],
  ["field", "operator", "value"],
  ["attribute", "comparator", "value"],
] as const;

/** The answer to an object that is one condition elsewhere; undefined for filters, as far as anyone can tell. */
export function conditionHint(filter: Readonly<Record<string, unknown>>): string | undefined {
  const shape = conditionShapes.find(
    (names) =>
      Object.keys(filter).length === names.length && names.every((name) => Object.hasOwn(filter, name)),
  );
  if (shape === undefined) return undefined;
  const [field, operator] = [filter[shape[0]], filter[shape[1]]];
  if (typeof field !== "string" || typeof operator !== "string") return undefined;
  const small = operator.toLowerCase().replace(/^\$/, "");
  const meant = Object.hasOwn(ofField, small) ? ofField[small]! : "$eq";
  const [first, ...others] = shape.map((name) => `{ ${name}: … }`);
  return (
    `{ ${shape.join(", ")} } is a condition of another library; here it is { ${JSON.stringify(field)}: { ${meant}: … } }. ` +
    `Where metadata have fields of these names, write { $and: [${[first, ...others].join(", ")}] }`
  );
}

/** The answer to a name that joins filters elsewhere; undefined for names that are fields as far as anyone can tell. */
export function logicalHint(name: string, value: unknown): string | undefined {
  const small = name.toLowerCase();
  const operator = Object.hasOwn(logical, small) ? logical[small] : undefined;
  if (operator !== undefined && (Array.isArray(value) || operator === "$not")) {
    const shown =
      operator === "$not" ? "{ $not: { year: 2020 } }" : `{ ${operator}: [{ year: { $gte: 2020 } }, …] }`;
    return `'${name}' is written ${operator} here: ${shown}`;
  }
  if (!clauses.includes(small)) return undefined;
  return `'${name}' is a clause of OpenSearch or Qdrant; here a condition is { year: 2020 } or { year: { $gte: 2020 } }, joined by $and, $or and $not`;
}

/** The answer to a condition in several fields, as `{ key: "year", operator: ">=", value: 2020 }`; undefined for others. */
export function partedConditionHint(filter: object): string | undefined {
  const names = Object.keys(filter).map((name) => name.toLowerCase());
  if (!names.some((name) => operatorNames.includes(name))) return undefined;
  const field = Object.entries(filter).find(([name]) => fieldNames.includes(name.toLowerCase()));
  if (field === undefined) {
    if (!("operands" in filter)) return undefined;
    return "conditions are joined as { $and: [{ year: { $gte: 2020 } }, …] } or { $or: […] }";
  }
  const shown = Array.isArray(field[1]) ? field[1].join(".") : String(field[1]);
  return `a condition has its field as its name: { ${JSON.stringify(shown)}: { $gte: … } }`;
}

/** The answer to an operator of a field as other systems write it; undefined for other names. */
export function operatorHint(field: string, operator: string): string | undefined {
  const small = operator.toLowerCase().replace(/^\$/, "");
  const plain = small.replaceAll("_", "");
  const meant = [small, plain].find((name) => Object.hasOwn(ofField, name));
  if (meant !== undefined && ofField[meant] !== operator)
    return `'${operator}' is written ${ofField[meant]} here: { ${JSON.stringify(field)}: { ${ofField[meant]}: … } }`;
  if (!Object.hasOwn(inOtherWords, plain)) return undefined;
  return `'${operator}' is written otherwise here: ${inOtherWords[plain]!.replaceAll("FIELD", JSON.stringify(field))}`;
}

/** The answer to an operator that joins filters and begins with `$`; undefined for other names. */
export function joiningHint(operator: string): string | undefined {
  if (operator === "$nor") return "'$nor' is written { $not: { $or: […] } } here";
  const small = operator.slice(1).toLowerCase();
  return Object.hasOwn(logical, small) ? `'${operator}' is written ${logical[small]} here` : undefined;
}

/** What a filter that is not an object of fields may be elsewhere; a part of a sentence, or nothing. */
export function shapeHint(filter: unknown): string {
  if (Array.isArray(filter)) return "; several conditions are joined as { $and: [{ year: 2020 }, …] }";
  return typeof filter === "string" ? "; expressions in text are not read" : "";
}
