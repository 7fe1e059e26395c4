import type { Metadata, MetadataValue } from "./store.ts";

/** A value that filters compare with. */
export type FilterValue = string | number | boolean | null;

/** Conditions on one field. Several must all hold. */
export interface FieldCondition {
  readonly $eq?: FilterValue;
  readonly $ne?: FilterValue;
  readonly $gt?: string | number;
  readonly $gte?: string | number;
  readonly $lt?: string | number;
  readonly $lte?: string | number;
  readonly $in?: readonly FilterValue[];
  readonly $nin?: readonly FilterValue[];
  readonly $exists?: boolean;
}

/**
 * Which documents pass, by their metadata: `{ year: { $gte: 2020 }, "author.name": "Ada", $or: [...] }`. All entries must
 * hold; a plain value stands for `$eq`. A dot in a name leads into a nested object.
 */
export type Filter = {
  readonly $and?: readonly Filter[];
  readonly $or?: readonly Filter[];
  readonly $not?: Filter;
} & { readonly [field: string]: FilterValue | FieldCondition | readonly Filter[] | Filter | undefined };

export type { Metadata, MetadataValue };
