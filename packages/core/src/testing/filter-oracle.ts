import type { FieldCondition, Filter, FilterValue, Metadata, MetadataValue } from "../stores/index.ts";

/**
 * What a filter says of metadata, straight from its text: a second implementation beside the one in `stores`, so that no
 * store is tested against itself. For valid filters only.
 */
export function passesFilter(filter: Filter, metadata: Metadata): boolean {
  return Object.entries(filter).every(([name, condition]) => {
    if (name === "$and") return (condition as Filter[]).every((part) => passesFilter(part, metadata));
    if (name === "$or") return (condition as Filter[]).some((part) => passesFilter(part, metadata));
    if (name === "$not") return !passesFilter(condition as Filter, metadata);
    const value = valueAt(metadata, name.split("."));
    if (condition === null || typeof condition !== "object") return equals(value, condition as FilterValue);
    return Object.entries(condition as FieldCondition).every(([operator, operand]) =>
      passesOperator(operator, value, operand),
    );
  });
}

function passesOperator(operator: string, value: MetadataValue | undefined, operand: unknown): boolean {
  const bound = operand as string | number;
  switch (operator) {
    case "$eq":
      return equals(value, operand as FilterValue);
    case "$ne":
      return !equals(value, operand as FilterValue);
    case "$in":
      return (operand as FilterValue[]).some((one) => equals(value, one));
    case "$nin":
      return !(operand as FilterValue[]).some((one) => equals(value, one));
    case "$exists":
      return (value !== undefined) === operand;
    case "$contains":
      return elements(value).some((one) => typeof one === "string" && one.indexOf(operand as string) !== -1);
    default:
      return elements(value).some((one) => {
        if (typeof one !== typeof bound) return false;
        const ordered = one as string | number;
        if (operator === "$gt") return ordered > bound;
        if (operator === "$gte") return ordered >= bound;
        return operator === "$lt" ? ordered < bound : ordered <= bound;
      });
  }
}

function equals(value: MetadataValue | undefined, wanted: FilterValue): boolean {
  return elements(value).some((one) => one === wanted);
}

function elements(value: MetadataValue | undefined): readonly MetadataValue[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? (value as readonly MetadataValue[]) : [value];
}

function valueAt(value: MetadataValue, [name, ...rest]: readonly string[]): MetadataValue | undefined {
  if (name === undefined) return value;
  if (value === null || typeof value !== "object" || Array.isArray(value)) return undefined;
  const found = Object.getOwnPropertyDescriptor(value, name)?.value as MetadataValue | undefined;
  return found === undefined ? undefined : valueAt(found, rest);
}
