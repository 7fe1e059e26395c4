import { invalidArgument, received, SparseEncoderError } from "../errors.ts";
import type { StoreBackend } from "./backend.ts";
import type { BoundEncoder } from "./store.ts";
import type { CheckedDocument } from "./store-arguments.ts";
import { describeField, listNames, newFields, type ResolvedField, sameField } from "./vector-fields.ts";

/** The names of vectors of a store, as its front checks documents and searches against them. */
export class StoreFields {
  private readonly backend: StoreBackend;
  /** The last addition of names: additions follow each other. */
  private growth: Promise<unknown> = Promise.resolve();

  constructor(backend: StoreBackend) {
    this.backend = backend;
  }

  /**
   * Checks that the vectors of documents fit. Returns the addition of their new names where the backend needs one.
   * @throws SparseEncoderError `STORE_MISMATCH`, `INVALID_VECTOR`
   */
  admit(documents: readonly CheckedDocument[]): Promise<void> | undefined {
    const { backend } = this;
    const added = newFields(documents, backend.fields, backend.declared);
    if (added.size === 0 || backend.addFields === undefined) return undefined;
    const turn = this.growth.then(async () => {
      const missing = newFields(documents, backend.fields, backend.declared);
      if (missing.size > 0) await backend.addFields!(missing);
      // Another process may have given a name to other vectors.
      newFields(documents, backend.fields, true);
    });
    this.growth = turn.catch(() => {});
    return turn;
  }

  /**
   * Keeps what made the vectors of a name, unless others are there that were made by something else.
   * @throws SparseEncoderError `STORE_MISMATCH`
   */
  bind(name: string, { dimension, fingerprint }: BoundEncoder): Promise<void> {
    const turn = this.growth.then(async () => {
      const field: ResolvedField = { kind: "sparse", dimension, encoder: fingerprint };
      const { backend } = this;
      // Another process may have kept another encoder since, or have deleted what this one knows of.
      await backend.refreshFields?.();
      const known = backend.fields.get(name);
      if (known !== undefined && !sameField(known, field)) {
        if ((await this.hasVectors(name)) || known.dimension !== dimension)
          throw boundToOther(backend, name, known, fingerprint);
      }
      const isKept = known?.kind === "sparse" && known.encoder === fingerprint;
      // A name that was not declared is refused when documents bring it.
      if (isKept || (known === undefined && backend.declared)) return;
      await backend.checkChange?.();
      await backend.keepEncoder?.(name, field);
    });
    this.growth = turn.catch(() => {});
    return turn;
  }

  private async hasVectors(name: string): Promise<boolean> {
    const { backend } = this;
    if (backend.hasVectors !== undefined) return backend.hasVectors(name);
    return (await backend.countDims?.(name, [], undefined))?.vectors !== 0;
  }

  /**
   * The field that a search is about; undefined as long as the store has no names at all.
   * @throws SparseEncoderError `INVALID_ARGUMENT` for an unknown name, or vectors of the other kind
   */
  async find(call: string, name: string, kind: "sparse" | "dense"): Promise<ResolvedField | undefined> {
    const { backend } = this;
    if (!backend.fields.has(name) && !backend.declared) await backend.refreshFields?.();
    const field = backend.fields.get(name);
    if (field === undefined) {
      if (backend.fields.size === 0) return undefined;
      throw invalidArgument(
        `${call}: no vectors are named ${received(name)}; the store has ${listNames(backend.fields)}.`,
      );
    }
    if (field.kind !== kind) {
      throw invalidArgument(
        `${call}: the vectors named ${received(name)} are ${field.kind}; use search${field.kind === "dense" ? "Dense" : "Sparse"}.`,
      );
    }
    return field;
  }
}

function boundToOther(
  { name: store, tenant, hasVectors }: StoreBackend,
  name: string,
  field: ResolvedField,
  fingerprint: string,
): SparseEncoderError {
  const whose = tenant !== undefined && hasVectors !== undefined ? " of all tenants" : "";
  return new SparseEncoderError(
    "STORE_MISMATCH",
    `The vectors named ${received(name)} of this ${store} store are ${describeField(field)}, not by ${fingerprint}. ` +
      "Open the store with the encoder that made them, give these vectors another name, " +
      `or delete the documents${whose} first.`,
  );
}
