import { readFile } from "node:fs/promises";
import { freemem, totalmem } from "node:os";
import { SparseEncoderError } from "../../errors.ts";
import type { TensorTable } from "../../model/index.ts";

/** A limit on the bytes that this process may still take, and what sets the limit. */
export interface Room {
  readonly bytes: number;
  readonly of: string;
}

/**
 * Refuses weights that have no room, before anything is mapped or converted: the system would end the process, or read from the
 * disk for each text.
 *
 * @param folder of the model, for messages
 * @param format weights are kept in: float32, or int8 for matrices
 * @param rooms default: what the system says
 * @throws SparseEncoderError `MODEL_UNSUPPORTED`
 */
export async function checkRoom(
  folder: string,
  weights: Iterable<TensorTable>,
  format: "fp32" | "int8",
  rooms?: readonly Room[],
): Promise<void> {
  const tables = [...weights];
  const needed = bytesOf(tables, format);
  const least = (rooms ?? (await readRooms())).toSorted((a, b) => a.bytes - b.bytes)[0];
  if (least === undefined || needed <= least.bytes) return;
  const int8 = bytesOf(tables, "int8");
  const next =
    format === "fp32" && int8 <= least.bytes
      ? ` With dtype "int8" the weights take ${gigabytes(int8)}.`
      : " Choose a smaller model, or a machine with more memory.";
  throw new SparseEncoderError(
    "MODEL_UNSUPPORTED",
    `The weights in ${folder} take ${gigabytes(needed)} as ${format}, and ${least.of} leaves ${gigabytes(Math.max(0, least.bytes))}.${next}`,
  );
}

function bytesOf(tables: readonly TensorTable[], format: "fp32" | "int8"): number {
  let bytes = 0;
  for (const table of tables) {
    for (const [, { shape }] of table.entries()) {
      const count = shape.reduce((product, size) => product * size, 1);
      bytes += count * (format === "int8" && shape.length > 1 ? 1 : 4);
    }
  }
  return bytes;
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}

async function readRooms(): Promise<Room[]> {
  const limit = process.constrainedMemory();
  const total = totalmem();
  const isLimited = limit > 0 && limit < total;
  const rooms: Room[] = [
    {
      bytes: (isLimited ? limit : total) - process.memoryUsage.rss(),
      of: isLimited ? "the memory limit of this process" : "the memory of this machine",
    },
  ];
  // Elsewhere, memory counts as taken that the system would give back.
  if (process.platform === "linux") {
    rooms.push({ bytes: freemem(), of: "what other processes leave of the memory of this machine" });
    const [limits, status] = await Promise.all([
      readFile("/proc/self/limits", "utf8").catch(() => ""),
      readFile("/proc/self/status", "utf8").catch(() => ""),
    ]);
    const address = addressRoom(limits, status);
    if (address !== undefined) rooms.push(address);
  }
  return rooms;
}

/**
 * What `ulimit -v` leaves: mapped files count too.
 *
 * @param limits `/proc/self/limits`
 * @param status `/proc/self/status`
 */
export function addressRoom(limits: string, status: string): Room | undefined {
  const limit = /^Max address space\s+(\d+)/m.exec(limits)?.[1];
  const taken = /^VmSize:\s+(\d+) kB/m.exec(status)?.[1];
  if (limit === undefined || taken === undefined) return undefined;
  return { bytes: Number(limit) - Number(taken) * 1024, of: "the limit on address space (ulimit -v)" };
}
