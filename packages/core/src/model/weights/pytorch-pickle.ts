import { received, SparseEncoderError } from "../../errors.ts";
import { opcodeNames } from "./pytorch-opcodes.ts";
import type { TensorType } from "./tensor.ts";

/** The elements that tensors share: the content of one archive entry. */
export class PickledStorage {
  readonly type: TensorType;
  /** Name of the entry below `data/`. */
  readonly key: string;

  constructor(type: TensorType, key: string) {
    this.type = type;
    this.key = key;
  }
}

/** A view of a storage; offset and strides count elements. Nothing is checked against the storage yet. */
export class PickledTensor {
  readonly storage: PickledStorage;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];

  constructor(storage: PickledStorage, offset: number, shape: readonly number[], strides: readonly number[]) {
    this.storage = storage;
    this.offset = offset;
    this.shape = shape;
    this.strides = strides;
  }
}

/** A Python dictionary; tuples and lists are arrays. */
export type PickledDictionary = Map<unknown, unknown>;

/** A name of Python that a pickle refers to. */
class PickledGlobal {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/** Element types by the storage classes of torch. */
const storageTypes: Readonly<Record<string, TensorType>> = {
  "torch.DoubleStorage": "F64",
  "torch.FloatStorage": "F32",
  "torch.HalfStorage": "F16",
  "torch.BFloat16Storage": "BF16",
  "torch.LongStorage": "I64",
  "torch.IntStorage": "I32",
  "torch.ShortStorage": "I16",
  "torch.CharStorage": "I8",
  "torch.ByteStorage": "U8",
  "torch.BoolStorage": "BOOL",
};

/** What a state dict calls, as functions of the arguments; undefined for arguments that do not fit. */
const callables: Readonly<Record<string, (args: readonly unknown[]) => unknown>> = {
  "collections.OrderedDict": (args) => (args.length === 0 ? new Map() : undefined),
  "torch._utils._rebuild_tensor_v2": rebuildTensor,
  "torch._utils._rebuild_parameter": ([tensor]) => (tensor instanceof PickledTensor ? tensor : undefined),
};

/** The limit of torch itself, so that no shape takes long to go through. */
const maximumDimensions = 64;

/**
 * Reads the pickle of a state dict, as `torch.save` writes it, into the dictionary it describes. Nothing of it is
 * run: an opcode or name that tensors in dictionaries do not need ends the reading with an error that names it.
 * Time and memory are in proportion to the bytes.
 *
 * @param origin what the pickle is part of, for messages
 * @throws SparseEncoderError `WEIGHTS_INVALID`
 */
export function readPickle(bytes: Buffer, origin: string): unknown {
  return new PickleMachine(bytes, origin).run();
}

class PickleMachine {
  private readonly bytes: Buffer;
  private readonly origin: string;
  private readonly stack: unknown[] = [];
  private readonly marks: number[] = [];
  private readonly memo = new Map<number, unknown>();
  private position = 0;
  /** First byte of the instruction under way, and its name. */
  private start = 0;
  private opcode = "";

  /** What a state dict may do, by opcode. */
  private readonly instructions: Readonly<Record<string, () => void>> = {
    PROTO: () => this.checkProtocol(this.unsigned(1)),
    NONE: () => this.push(null),
    NEWTRUE: () => this.push(true),
    NEWFALSE: () => this.push(false),
    BININT: () => this.push(this.take(4).readInt32LE()),
    BININT1: () => this.push(this.unsigned(1)),
    BININT2: () => this.push(this.unsigned(2)),
    LONG1: () => this.push(this.long(this.unsigned(1))),
    BINFLOAT: () => this.push(this.take(8).readDoubleBE()),
    BINUNICODE: () => this.push(this.take(this.unsigned(4)).toString("utf8")),
    EMPTY_DICT: () => this.push(new Map()),
    EMPTY_LIST: () => this.push([]),
    EMPTY_TUPLE: () => this.push([]),
    MARK: () => this.marks.push(this.stack.length),
    TUPLE: () => this.push(this.popToMark()),
    TUPLE1: () => this.push(this.popMany(1)),
    TUPLE2: () => this.push(this.popMany(2)),
    TUPLE3: () => this.push(this.popMany(3)),
    APPEND: () => this.append(this.popMany(1)),
    APPENDS: () => this.append(this.popToMark()),
    SETITEM: () => this.setItems(this.popMany(2)),
    SETITEMS: () => this.setItems(this.popToMark()),
    BINPUT: () => this.put(this.unsigned(1)),
    LONG_BINPUT: () => this.put(this.unsigned(4)),
    BINGET: () => this.get(this.unsigned(1)),
    LONG_BINGET: () => this.get(this.unsigned(4)),
    GLOBAL: () => this.push(this.global(`${this.line()}.${this.line()}`)),
    BINPERSID: () => this.push(this.storage(this.pop())),
    REDUCE: () => this.reduce(),
    BUILD: () => this.build(),
  };

  constructor(bytes: Buffer, origin: string) {
    this.bytes = bytes;
    this.origin = origin;
  }

  run(): unknown {
    for (;;) {
      this.start = this.position;
      this.opcode = "";
      const code = this.unsigned(1);
      this.opcode = opcodeNames.get(code) ?? `0x${code.toString(16).padStart(2, "0")}`;
      if (this.opcode === "STOP") return this.pop();
      const instruction = this.instructions[this.opcode];
      if (instruction === undefined) {
        throw this.invalid(`has the pickle opcode ${this.opcode}, which no state dict needs`);
      }
      instruction();
    }
  }

  private checkProtocol(version: number): void {
    if (version === 2) return;
    throw this.invalid(`has pickle protocol ${version} instead of 2: save it with the default of torch.save`);
  }

  private global(name: string): PickledGlobal {
    if (Object.hasOwn(callables, name) || Object.hasOwn(storageTypes, name)) return new PickledGlobal(name);
    throw this.invalid(`refers to ${received(name)}, which no state dict of plain tensors needs`);
  }

  /** Persistent ids of torch: ("storage", class, key, device, number of elements). */
  private storage(id: unknown): PickledStorage {
    if (Array.isArray(id) && id.length === 5 && id[0] === "storage") {
      const [, kind, key] = id;
      const type = kind instanceof PickledGlobal ? storageTypes[kind.name] : undefined;
      if (type !== undefined && typeof key === "string") return new PickledStorage(type, key);
    }
    throw this.invalid(`has the persistent id ${received(id)}, which is not a storage`);
  }

  private reduce(): void {
    const [callable, args] = this.popMany(2);
    const call = callable instanceof PickledGlobal ? callables[callable.name] : undefined;
    const result = call !== undefined && Array.isArray(args) ? call(args) : undefined;
    if (result === undefined) {
      throw this.invalid(`calls ${received(callable)} with ${received(args)}, which makes no tensor`);
    }
    this.push(result);
  }

  /** State beside the entries of a dictionary, such as `_metadata` of a state dict: left out. */
  private build(): void {
    this.pop();
    if (!(this.stack.at(-1) instanceof Map)) {
      throw this.invalid("sets the state (BUILD) of something other than a dictionary");
    }
  }

  private append(items: readonly unknown[]): void {
    const list = this.stack.at(-1);
    if (!Array.isArray(list)) throw this.invalid("appends to something other than a list");
    for (const item of items) list.push(item);
  }

  private setItems(items: readonly unknown[]): void {
    const dictionary = this.stack.at(-1);
    if (!(dictionary instanceof Map) || items.length % 2 === 1) {
      throw this.invalid("sets items of something other than a dictionary");
    }
    for (let index = 0; index < items.length; index += 2) dictionary.set(items[index], items[index + 1]);
  }

  private put(index: number): void {
    if (this.stack.length === 0) throw this.invalid("takes a value that is not there");
    this.memo.set(index, this.stack.at(-1));
  }

  private get(index: number): void {
    if (!this.memo.has(index)) throw this.invalid(`takes memo ${index}, which is not there`);
    this.push(this.memo.get(index));
  }

  private push(value: unknown): void {
    this.stack.push(value);
  }

  private pop(): unknown {
    return this.popMany(1)[0];
  }

  private popMany(count: number): unknown[] {
    if (this.stack.length < count) throw this.invalid("takes a value that is not there");
    return this.stack.splice(this.stack.length - count);
  }

  private popToMark(): unknown[] {
    const mark = this.marks.pop();
    if (mark === undefined) throw this.invalid("takes values from a mark that is not there");
    return this.stack.splice(mark);
  }

  private unsigned(length: 1 | 2 | 4): number {
    return this.take(length).readUIntLE(0, length);
  }

  /** Two's complement, little-endian. */
  private long(length: number): number {
    let value = 0n;
    for (const byte of this.take(length).toReversed()) value = (value << 8n) | BigInt(byte);
    const number = Number(BigInt.asIntN(8 * length, value));
    if (!Number.isSafeInteger(number)) throw this.invalid(`has a number of ${length} bytes`);
    return number;
  }

  private line(): string {
    const end = this.bytes.indexOf(0x0a, this.position);
    if (end < 0) throw this.invalid("is cut off");
    const line = this.bytes.toString("utf8", this.position, end);
    this.position = end + 1;
    return line;
  }

  private take(length: number): Buffer {
    const end = this.position + length;
    if (end > this.bytes.length) throw this.invalid("is cut off");
    const taken = this.bytes.subarray(this.position, end);
    this.position = end;
    return taken;
  }

  private invalid(problem: string): SparseEncoderError {
    const place = `byte ${this.start} of its pickle${this.opcode === "" ? "" : `, ${this.opcode}`}`;
    return new SparseEncoderError("WEIGHTS_INVALID", `${this.origin} ${problem} (${place}).`);
  }
}

/** Arguments: storage, offset, shape, strides, and what only training needs. */
function rebuildTensor([storage, offset, shape, strides]: readonly unknown[]): PickledTensor | undefined {
  if (!(storage instanceof PickledStorage) || !isCount(offset)) return undefined;
  if (!isCountList(shape) || !isCountList(strides) || shape.length !== strides.length) return undefined;
  return new PickledTensor(storage, offset, [...shape], [...strides]);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isCountList(value: unknown): value is number[] {
  return Array.isArray(value) && value.length <= maximumDimensions && value.every(isCount);
}
