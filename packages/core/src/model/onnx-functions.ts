import { fieldsOf, ProtobufError, stringField } from "./protobuf-fields.ts";

/**
 * Operators that a file may come to when each function stands in the place of its calls, many times more than any model has. The
 * runtime does that when it opens the file: of functions that call others twice, forty make 2^40 operators, and nothing ends it.
 */
const mostOperators = 1_000_000;

/** How often each operator or function is called, by domain and name. */
type Calls = Map<string, number>;

/** Functions in a file, and what they make of it. */
export class OnnxFunctions {
  private readonly functions = new Map<string, Calls>();
  private readonly sizes = new Map<string, number>();
  private readonly main: Calls = new Map();

  /** Takes a function of the file. Field numbers: FunctionProto. */
  add(message: Uint8Array): void {
    const key = keyOf(stringField(message, 10), stringField(message, 1));
    const calls = this.functions.get(key) ?? new Map<string, number>();
    countCalls(message, 7, calls);
    this.functions.set(key, calls);
  }

  /** Takes the graph of the file. Field numbers: GraphProto. */
  addGraph(message: Uint8Array): void {
    countCalls(message, 1, this.main);
  }

  /** @throws ProtobufError for functions that call themselves, or make more of the file than can be opened */
  check(): void {
    if (this.sizeOf(this.main) > mostOperators)
      throw new ProtobufError("Functions call each other without end.");
  }

  private sizeOf(calls: Calls): number {
    let size = 0;
    for (const [key, count] of calls) size += count * (1 + this.sizeOfFunction(key));
    return size;
  }

  private sizeOfFunction(key: string): number {
    const calls = this.functions.get(key);
    if (calls === undefined) return 0;
    const known = this.sizes.get(key);
    if (known !== undefined) return known;
    // Found again while it is counted, it calls itself.
    this.sizes.set(key, Number.POSITIVE_INFINITY);
    const size = this.sizeOf(calls);
    this.sizes.set(key, size);
    return size;
  }
}

/** Counts the nodes under a field of a message, and the nodes of graphs in their attributes. Field numbers: NodeProto, AttributeProto. */
function countCalls(message: Uint8Array, field: number, calls: Calls): void {
  for (const node of fieldsOf(message)) {
    if (node.number !== field) continue;
    const key = keyOf(stringField(node.bytes, 7), stringField(node.bytes, 4));
    calls.set(key, (calls.get(key) ?? 0) + 1);
    for (const attribute of fieldsOf(node.bytes)) {
      if (attribute.number !== 5) continue;
      for (const value of fieldsOf(attribute.bytes)) {
        if (value.number === 6 || value.number === 11) countCalls(value.bytes, 1, calls);
      }
    }
  }
}

function keyOf(domain: string, name: string): string {
  return JSON.stringify([domain === "ai.onnx" ? "" : domain, name]);
}
