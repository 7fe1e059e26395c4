import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ProtobufWriter } from "./protobuf.ts";

const hex = (writer: ProtobufWriter) => Buffer.from(writer.finish()).toString("hex");

/** A field as it is read back: number, wire type, and the value's bits or bytes. */
type Field = [field: number, wireType: number, value: bigint | string];

/** A plain reader of the wire format. */
function read(bytes: Uint8Array): Field[] {
  const fields: Field[] = [];
  let at = 0;
  const varint = () => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++]!;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < bytes.length) {
    const tag = Number(varint());
    const [field, wireType] = [Math.floor(tag / 8), tag % 8];
    if (wireType === 0) {
      fields.push([field, wireType, varint()]);
      continue;
    }
    const length = wireType === 2 ? Number(varint()) : 4;
    fields.push([field, wireType, Buffer.from(bytes.subarray(at, at + length)).toString("hex")]);
    at += length;
  }
  return fields;
}

describe("ProtobufWriter", () => {
  // https://protobuf.dev/programming-guides/encoding works out the first three.
  it.each([
    ["a varint of two bytes", new ProtobufWriter().integer(1, 150), "089601"],
    ["a string", new ProtobufWriter().string(2, "testing"), "120774657374696e67"],
    ["a message", new ProtobufWriter().message(3, new ProtobufWriter().integer(1, 150)), "1a03089601"],
    ["zero", new ProtobufWriter().integer(1, 0), "0800"],
    ["minus one in ten bytes", new ProtobufWriter().integer(1, -1), "08ffffffffffffffffff01"],
    ["a field above 15 in a tag of two bytes", new ProtobufWriter().integer(16, 1), "800101"],
    ["a float, little-endian", new ProtobufWriter().float(1, 1.5), "0d0000c03f"],
    ["a string that is not ASCII", new ProtobufWriter().string(1, "é€"), "0a05c3a9e282ac"],
    ["an empty string", new ProtobufWriter().string(1, ""), "0a00"],
    ["an empty message", new ProtobufWriter().message(1, new ProtobufWriter()), "0a00"],
    ["nothing", new ProtobufWriter(), ""],
  ])("writes %s", (_, writer, expected) => {
    expect(hex(writer)).toBe(expected);
  });

  it("is read back, field by field", () => {
    const field = fc.integer({ min: 1, max: 536_870_911 });
    const int64 = fc.oneof(
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      fc.constantFrom(127n, 128n, 16_383n, 16_384n, 2n ** 32n, -128n),
      fc.maxSafeInteger(),
    );
    const entry = fc.oneof(
      fc.record({ kind: fc.constant("integer" as const), field, value: int64 }),
      fc.record({ kind: fc.constant("float" as const), field, value: fc.float({ noNaN: true }) }),
      fc.record({ kind: fc.constant("bytes" as const), field, value: fc.uint8Array({ maxLength: 300 }) }),
      fc.record({ kind: fc.constant("string" as const), field, value: fc.string({ unit: "binary" }) }),
    );
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 8 }), (entries) => {
        const writer = new ProtobufWriter();
        const expected: Field[] = [];
        for (const { kind, field, value } of entries) {
          if (kind === "integer") {
            writer.integer(field, value);
            expected.push([field, 0, BigInt.asUintN(64, BigInt(value))]);
          } else if (kind === "float") {
            writer.float(field, value);
            const bytes = Buffer.alloc(4);
            bytes.writeFloatLE(value);
            expected.push([field, 5, bytes.toString("hex")]);
          } else if (kind === "bytes") {
            writer.bytes(field, value);
            expected.push([field, 2, Buffer.from(value).toString("hex")]);
          } else {
            writer.string(field, value);
            expected.push([field, 2, Buffer.from(value, "utf8").toString("hex")]);
          }
        }
        expect(read(writer.finish())).toEqual(expected);
        const outer = new ProtobufWriter().message(7, writer);
        expect(read(outer.finish())).toEqual([[7, 2, Buffer.from(writer.finish()).toString("hex")]]);
      }),
    );
  });
});
