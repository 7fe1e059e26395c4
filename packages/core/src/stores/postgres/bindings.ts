import { SparseEncoderError } from "../../errors.ts";

/** The protocol counts parameters with 16 bits. */
const maximumParameters = 65_535;

/** Values of a statement: what users gave reaches the server as one of these, never as part of the SQL. */
export class Bindings {
  readonly values: string[] = [];
  private readonly places = new Map<string, string>();

  /** The placeholder of a value; equal values share one for each type. */
  add(value: string, type: string): string {
    const known = `${type} ${value}`;
    let place = this.places.get(known);
    if (place === undefined) {
      if (this.values.push(value) > maximumParameters) {
        throw new SparseEncoderError(
          "STORE_UNSUPPORTED",
          `The postgres store takes at most ${maximumParameters} values and names in one filter; list values with $in.`,
        );
      }
      place = `$${this.values.length}::${type}`;
      this.places.set(known, place);
    }
    return place;
  }
}
