import { type FileHandle, realpath } from "node:fs/promises";
import { received, SparseEncoderError } from "../../errors.ts";
import { openRegularFile } from "../regular-file.ts";
import { type PickledDictionary, PickledTensor, readPickle } from "./pytorch-pickle.ts";
import { type ZipEntry, ZipReader } from "./pytorch-zip.ts";
import { type StoredTensor, shownShape, TensorTable, tensorTypeBytes } from "./tensor.ts";

/** About 20,000 tensors; keeps a made-up pickle from filling the memory. */
const maximumPickleBytes = 2 ** 21;

const conversion =
  "load it with torch.load and save it again with a current torch.save or with save_pretrained";

/**
 * Reads names, types, shapes and places of the tensors of a `pytorch_model.bin`: a state dict, or a checkpoint
 * with one under `state_dict`. The weights themselves are not read, and nothing in the file is run: it is refused
 * if it asks for more than tensors.
 *
 * Format: a zip archive with stored entries, as torch 1.6 and later write it; `data.pkl` describes the tensors,
 * `data/<key>` holds the elements of one storage each
 * (https://docs.pytorch.org/docs/stable/notes/serialization.html).
 *
 * @throws SparseEncoderError `WEIGHTS_INVALID`
 */
export async function readPytorchWeights(file: string): Promise<TensorTable> {
  const handle = await openRegularFile(file);
  try {
    await checkFormat(handle, file);
    const archive = await ZipReader.open(handle, file);
    const pickles = archive.names.filter((name) => /^[^/]+\/data\.pkl$/.test(name));
    if (pickles.length !== 1) throw invalid(file, `has ${pickles.length} entries data.pkl instead of one`);
    const pickle = (await archive.find(pickles[0]!))!;
    if (pickle.byteLength > maximumPickleBytes) {
      throw invalid(file, `has a data.pkl of ${pickle.byteLength} bytes, more than ${maximumPickleBytes}`);
    }
    const root = pickle.name.slice(0, -"data.pkl".length);
    await checkByteOrder(archive, `${root}byteorder`, file);
    const tensors = pickledTensors(readPickle(await archive.readEntry(pickle), file), file);
    return new TensorTable(await placeTensors(tensors, archive, root, file), file);
  } finally {
    await handle.close();
  }
}

async function checkFormat(handle: FileHandle, file: string): Promise<void> {
  const start = Buffer.alloc(4);
  await handle.read(start, 0, start.length, 0);
  if (start.toString("latin1") === "PK\x03\x04") return;
  // A pickle of protocol 2 or a tar archive, whose first bytes are the name of a member.
  const legacy = start[0] === 0x80 || /^[\x20-\x7e]{4}$/.test(start.toString("latin1"));
  throw invalid(
    file,
    legacy
      ? `has the format of torch before 1.6: ${conversion}`
      : "is not a file of torch.save: download it again",
  );
}

async function checkByteOrder(archive: ZipReader, name: string, file: string): Promise<void> {
  const entry = await archive.find(name);
  if (entry === undefined || entry.byteLength > 16) return;
  const order = (await archive.readEntry(entry)).toString("latin1");
  if (order !== "little") {
    throw invalid(
      file,
      `has the byte order ${received(order)} instead of "little": save it on another machine`,
    );
  }
}

function pickledTensors(content: unknown, file: string): Map<string, PickledTensor> {
  const inner = content instanceof Map ? content.get("state_dict") : undefined;
  const dictionary: unknown = inner instanceof Map ? inner : content;
  if (!(dictionary instanceof Map)) throw invalid(file, `holds ${received(content)} instead of a state dict`);
  const tensors = new Map<string, PickledTensor>();
  for (const [name, value] of dictionary as PickledDictionary) {
    if (typeof name === "string" && value instanceof PickledTensor) tensors.set(name, value);
  }
  if (tensors.size === 0) {
    throw invalid(
      file,
      `holds no tensors, only ${received([...dictionary.keys()])}: save only the state dict`,
    );
  }
  return tensors;
}

async function placeTensors(
  tensors: ReadonlyMap<string, PickledTensor>,
  archive: ZipReader,
  root: string,
  file: string,
): Promise<Map<string, StoredTensor>> {
  const resolved = await realpath(file);
  const storages = new Map<string, ZipEntry>();
  const stored = new Map<string, StoredTensor>();
  for (const [name, tensor] of tensors) {
    const { key, type } = tensor.storage;
    const storage = storages.get(key) ?? (await archive.find(`${root}data/${key}`));
    if (storage === undefined) throw invalid(file, `lacks the entry data/${key} of tensor ${received(name)}`);
    storages.set(key, storage);
    checkContiguous(name, tensor, file);
    const elementBytes = tensorTypeBytes[type];
    const begin = tensor.offset * elementBytes;
    const byteLength = tensor.shape.reduce((product, size) => product * size, elementBytes);
    // Written so that a product beyond all numbers fails, too.
    if (!(begin + byteLength <= storage.byteLength)) {
      throw invalid(
        file,
        `gives tensor ${received(name)} ${type} ${shownShape(tensor.shape)} at byte ${begin} of data/${key}, which has ${storage.byteLength} bytes`,
      );
    }
    stored.set(name, {
      type,
      shape: tensor.shape,
      file: resolved,
      offset: storage.offset + begin,
      byteLength,
    });
  }
  return stored;
}

/** Row-major without gaps; the stride of an axis of one element has no effect. */
function checkContiguous(name: string, { shape, strides }: PickledTensor, file: string): void {
  if (shape.includes(0)) return;
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const size = shape[axis]!;
    if (size !== 1 && strides[axis] !== expected) {
      throw invalid(
        file,
        `stores tensor ${received(name)} with shape ${shownShape(shape)} and strides ${shownShape(strides)}, a transposed or strided view: call contiguous() on it and save again`,
      );
    }
    expected *= size;
  }
}

function invalid(file: string, problem: string): SparseEncoderError {
  return new SparseEncoderError("WEIGHTS_INVALID", `${file} ${problem}.`);
}
