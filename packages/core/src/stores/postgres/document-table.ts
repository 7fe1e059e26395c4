import type { Bindings } from "./bindings.ts";

/** The table of a store, and which of its documents the store keeps to. */
export class DocumentTable {
  /** The name as it stands in statements. */
  readonly name: string;
  /** Undefined in a table without tenants. */
  readonly tenant: string | undefined;

  constructor(name: string, tenant: string | undefined) {
    this.name = name;
    this.tenant = tenant;
  }

  /** Columns that tell a document from all others. */
  get identity(): readonly string[] {
    return this.tenant === undefined ? ["key"] : ["tenant", "key"];
  }

  /** A condition for all documents of the store that meet the others. Every statement that reads or deletes has it. */
  where(bindings: Bindings, conditions: readonly string[] = []): string {
    const own = this.tenant === undefined ? [] : [`tenant = ${bindings.add(this.tenant, "text")}`];
    // In parentheses each: no condition may reach beyond itself.
    const all = [...own, ...conditions].map((condition) => `(${condition})`);
    return all.length === 0 ? "true" : all.join(" AND ");
  }
}
