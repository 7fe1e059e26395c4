/** One field of a protobuf message: a number, or bytes that may be a message or a text. */
export interface ProtobufField {
  readonly number: number;
  readonly value: number;
  readonly bytes: Uint8Array;
}

/** A message that breaks the format. */
export class ProtobufError extends Error {}

const nothing: Uint8Array = new Uint8Array();

/** The fields of a protobuf message, without copies. Source: https://protobuf.dev/programming-guides/encoding. */
export function* fieldsOf(message: Uint8Array): Generator<ProtobufField> {
  let position = 0;
  const varint = () => {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (position >= message.length) throw new ProtobufError("The message ends inside a number.");
      const byte = message[position++]!;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new ProtobufError("A number has more than ten bytes.");
  };
  while (position < message.length) {
    const tag = varint();
    const number = Math.floor(tag / 8);
    const wireType = tag % 8;
    if (wireType === 0) yield { number, value: varint(), bytes: nothing };
    else {
      const length = wireType === 2 ? varint() : wireType === 1 ? 8 : wireType === 5 ? 4 : Number.NaN;
      if (!(position + length <= message.length)) throw new ProtobufError("A field goes beyond the message.");
      yield { number, value: 0, bytes: message.subarray(position, position + length) };
      position += length;
    }
  }
}

/** The text of a field, of several the last, as in all readers of protobuf; empty if the message has no such field. */
export function stringField(message: Uint8Array, number: number): string {
  let last = nothing;
  for (const field of fieldsOf(message)) if (field.number === number) last = field.bytes;
  return Buffer.from(last).toString("utf8");
}
