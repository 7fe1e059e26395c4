/** A value that filters compare with. */
export type FilterValue = string | number | boolean | null;

/** Conditions on one field. Several must all hold. */
export interface FieldCondition {
  /** Equal to the value; for a list, one of its elements is. */
  readonly $eq?: FilterValue;
  /** Not `$eq`; holds for a field that is absent, too. */
  readonly $ne?: FilterValue;
  /** Greater than the value. */
  readonly $gt?: string | number;
  /** Greater than the value, or equal to it. */
  readonly $gte?: string | number;
  /** Less than the value. */
  readonly $lt?: string | number;
  /** Less than the value, or equal to it. */
  readonly $lte?: string | number;
  /** Equal to one of the values. */
  readonly $in?: readonly FilterValue[];
  /** Not `$in`; holds for a field that is absent, too. */
  readonly $nin?: readonly FilterValue[];
  /** Whether the field is there. */
  readonly $exists?: boolean;
  /** The field is a string that has this one in it, letter for letter. */
  readonly $contains?: string;
}

/**
 * Which documents pass, by their metadata: `{ year: { $gte: 2020 }, "author.name": "Ada", $or: [...] }`. All entries must
 * hold; a plain value stands for `$eq`. A dot in a name leads into a nested object.
 *
 * - Conditions look at the value of the field or, if it is an array, at its elements: they hold if any element passes.
 *   Objects, and arrays in arrays, equal nothing. The names on the way to a field lead through objects only, not into
 *   the elements of arrays, and a name that itself contains a dot cannot be reached.
 * - A missing field passes none of `$eq $gt $gte $lt $lte $in $contains`. `null` is a value: `$eq: null` wants a null that is there.
 * - `$exists: true` wants the field to be there, whatever its value (null and [] too), `$exists: false` to be missing.
 * - `$contains` wants a string that has the given one in it, letter for letter; every string has the empty one.
 * - `$ne`, `$nin` and `$not` are the negations of `$eq`, `$in` and of a filter, so a missing field passes `$ne` and `$nin`.
 * - Values of different types are neither equal nor ordered: `"5"` is not 5. Strings are ordered by UTF-16 code units.
 * - `{}` and `$and: []` let all documents pass, `$or: []` and `$in: []` none.
 *
 * @example
 * const filter: Filter = { year: { $gte: 2020, $lt: 2025 }, $not: { tags: "draft" } };
 */
export type Filter = {
  readonly $and?: readonly Filter[];
  readonly $or?: readonly Filter[];
  readonly $not?: Filter;
} & { readonly [field: string]: FilterValue | FieldCondition | readonly Filter[] | Filter | undefined };

/** Every operator of the language. */
export const filterOperators = [
  "$eq",
  "$ne",
  "$gt",
  "$gte",
  "$lt",
  "$lte",
  "$in",
  "$nin",
  "$exists",
  "$contains",
  "$and",
  "$or",
  "$not",
] as const;
