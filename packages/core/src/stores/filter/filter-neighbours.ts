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
  except: "$nin",
  exists: "$exists",
  contains: "$contains",
  like: "$contains",
  ilike: "$contains",
  match: "$eq",
  term: "$eq",
};

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
  return `'${name}' is a clause of OpenSearch; here a condition is { year: 2020 } or { year: { $gte: 2020 } }, joined by $and, $or and $not`;
}

/** The answer to an operator of a field as other systems write it; undefined for other names. */
export function operatorHint(field: string, operator: string): string | undefined {
  const small = operator.toLowerCase().replace(/^\$/, "");
  const meant = Object.hasOwn(ofField, small) ? ofField[small] : undefined;
  if (meant === undefined || meant === operator) return undefined;
  return `'${operator}' is written ${meant} here: { ${JSON.stringify(field)}: { ${meant}: … } }`;
}
