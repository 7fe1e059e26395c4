import { createHash } from "node:crypto";
import { invalidArgument, received, SparseEncoderError } from "../errors.ts";
import { rule } from "../options/index.ts";

/*
 * A store of an engine that has tenants:
 *
 * - takes the option `tenant` by the rule `tenantName`, and says it as `StoreBackend.tenant`;
 * - writes into the description of a collection that it makes with the option that the collection has tenants, and calls
 *   `checkTenancy` whenever it opens a collection (`engine/collection-description.ts` does both);
 * - keeps `tenantKey(tenant)` beside each document, in a field that filters cannot name, and asks for it in every request:
 *   reads, counts, pages, searches, native fusion, deletions, and counts of dims;
 * - makes the key of a document of `tenantKey(tenant)`, a character that such keys lack, such as `/`, and the id;
 * - answers `StoreBackend.hasVectors` for all tenants, as encoders are kept with the collection.
 *
 * `test/helpers/tenant-cases.ts` is the suite that its tests run.
 */

/** Length limit of a tenant, in UTF-16 code units. */
const maximumLength = 128;

/** A longer key is shortened to a digest: a name of a folder has at most 255 characters. */
const maximumKeyLength = 200;

/** The option `tenant` of all stores. */
export const tenantName = rule((value, name) => {
  if (isTenant(value)) return value;
  throw invalidArgument(
    `${name} must be a well-formed string of 1 to ${maximumLength} characters without control characters, received ${received(value)}.`,
  );
});

function isTenant(value: unknown): value is string {
  return (
    typeof value === "string" &&
    value !== "" &&
    value.length <= maximumLength &&
    value.isWellFormed() &&
    !/\p{Cc}/u.test(value)
  );
}

/**
 * A tenant as a folder's name and as a part of keys: up to 200 of a-z, 0-9, `-` and `_`. Different tenants have different
 * keys, which stay different where case does not count. No key is a path or a name that an operating system reserves.
 */
export function tenantKey(tenant: string): string {
  const escaped = tenant.replace(/[^a-z0-9-]/gu, (character) =>
    Array.from(Buffer.from(character, "utf8"), (byte) => `_${byte.toString(16).padStart(2, "0")}`).join(""),
  );
  const key = `t-${escaped}`;
  return key.length <= maximumKeyLength ? key : `h-${createHash("sha256").update(tenant).digest("hex")}`;
}

/**
 * Checks that a store is opened with a tenant if its collection has tenants, and without one otherwise.
 * @param place names the collection, for the message
 * @param hasTenants what the collection says of itself
 * @throws SparseEncoderError `STORE_MISMATCH`
 */
export function checkTenancy(place: string, hasTenants: boolean, tenant: string | undefined): void {
  if (hasTenants === (tenant !== undefined)) return;
  throw new SparseEncoderError(
    "STORE_MISMATCH",
    hasTenants
      ? `${place} keeps documents by tenant, and no tenant was named; open it with the option tenant, such as { tenant: "acme" }.`
      : `${place} was made without tenants, so the option tenant, received ${received(tenant)}, does not apply; leave it out, ` +
          "or make another one with it and copy the documents with copyStore.",
  );
}
