import { openSimdMemory, roundUp } from "./simd-memory.ts";

/** What dense-scoring.wat compiles to. */
export const denseScoringModule =
  "AGFzbQEAAAABDwJgBX9/f39/AGACe3sBfAIQAQRob3N0Bm1lbW9yeQIAAQMEAwAAAQcZAgNkb3QAAA9zcXVhcmVkRGlzdGFuY2UAAQqXBwOhAwIFfwZ7IAIgA0F8cUEDdGohCCACIANBA3RqIQkCQANAIAFBAEwNASAAIANBAnRqIQUgACADQQN0aiEGIAIhB/0MAAAAAAAAAAAAAAAAAAAAACEM/QwAAAAAAAAAAAAAAAAAAAAAIQ39DAAAAAAAAAAAAAAAAAAAAAAhDv0MAAAAAAAAAAAAAAAAAAAAACEPAkADQCAHIAhPDQEgBigCABogB/0ABAAhCiAH/QAEECELIAwgAP1dAwD9XyAK/fIB/fABIQwgDSAA/V0DCP1fIAv98gH98AEhDSAOIAX9XQMA/V8gCv3yAf3wASEOIA8gBf1dAwj9XyAL/fIB/fABIQ8gAEEQaiEAIAVBEGohBSAGQSBqIQYgB0EgaiEHDAALCwJAA0AgByAJTw0BIAf9XQMAIQogDCAA/VwCAP1fIAr98gH98AEhDCAOIAX9XAIA/V8gCv3yAf3wASEOIABBBGohACAFQQRqIQUgB0EIaiEHDAALCyAEIAwgDRACOQMAIAQgDiAPEAI5AwggBSEAIARBEGohBCABQQJrIQEMAAsLC9cDAgV/B3sgAiADQXxxQQN0aiEIIAIgA0EDdGohCQJAA0AgAUEATA0BIAAgA0ECdGohBSAAIANBA3RqIQYgAiEH/QwAAAAAAAAAAAAAAAAAAAAAIQ39DAAAAAAAAAAAAAAAAAAAAAAhDv0MAAAAAAAAAAAAAAAAAAAAACEP/QwAAAAAAAAAAAAAAAAAAAAAIRACQANAIAcgCE8NASAGKAIAGiAH/QAEACEKIAf9AAQQIQsgAP1dAwD9XyAK/fEBIQwgDSAMIAz98gH98AEhDSAA/V0DCP1fIAv98QEhDCAOIAwgDP3yAf3wASEOIAX9XQMA/V8gCv3xASEMIA8gDCAM/fIB/fABIQ8gBf1dAwj9XyAL/fEBIQwgECAMIAz98gH98AEhECAAQRBqIQAgBUEQaiEFIAZBIGohBiAHQSBqIQcMAAsLAkADQCAHIAlPDQEgB/1dAwAhCiAA/VwCAP1fIAr98QEhDCANIAwgDP3yAf3wASENIAX9XAIA/V8gCv3xASEMIA8gDCAM/fIB/fABIQ8gAEEEaiEAIAVBBGohBSAHQQhqIQcMAAsLIAQgDSAOEAI5AwAgBCAPIBAQAjkDCCAFIQAgBEEQaiEEIAFBAmshAQwACwsLGQAgAP0hACAA/SEBoCAB/SEAIAH9IQGgoAs=";

/** Rows that may be read behind the last one: two ahead of a pair, whose second row may be none. */
const rowsBehind = 4;

/** Writes a sum for each of `count` rows. */
type Loop = (row: number, count: number, query: number, length: number, score: number) => void;

/** What lies in a memory beside the rows of a block, and the loops over them. */
interface BlockMemory {
  readonly query: Float64Array;
  readonly sums: Float64Array;
  readonly dot: Loop;
  readonly squaredDistance: Loop;
}

/** By the array of their rows. */
const memories = new WeakMap<Float32Array, BlockMemory>();

/** Whether {@link moveToMemory} made this array of rows. */
export function isInMemory(block: Float32Array): boolean {
  return memories.has(block);
}

/**
 * Copies rows of `dimension` values into a WebAssembly memory, where they are compared in a fraction of the time. What this gives
 * may be written to. Undefined if the system gives no such memory.
 */
export function moveToMemory(block: Float32Array, dimension: number): Float32Array | undefined {
  const rows = block.length / dimension;
  // Sums come in pairs; eight bytes a number, at addresses that are multiples of 16.
  const sumCount = roundUp(rows, 2);
  const queryAddress = roundUp((block.length + rowsBehind * dimension) * Float32Array.BYTES_PER_ELEMENT, 16);
  const sumsAddress = queryAddress + roundUp(dimension, 2) * Float64Array.BYTES_PER_ELEMENT;
  const memory = openSimdMemory(sumsAddress + sumCount * Float64Array.BYTES_PER_ELEMENT, denseScoringModule);
  if (memory === undefined) return undefined;
  const { buffer, exports } = memory;
  const moved = new Float32Array(buffer, 0, block.length);
  moved.set(block);
  memories.set(moved, {
    query: new Float64Array(buffer, queryAddress, dimension),
    sums: new Float64Array(buffer, sumsAddress, sumCount),
    dot: exports.dot as Loop,
    squaredDistance: exports.squaredDistance as Loop,
  });
  return moved;
}

/** Writes a sum for each of the first `count` rows of a block. The same bit for bit whether it is in a memory or not. */
type Comparison = (block: Float32Array, count: number, query: Float64Array, sums: Float64Array) => void;

/** The dot products of rows with the query. */
export const dots = comparison("dot", dot);

/** The squared Euclidean distances of rows to the query. */
export const squaredDistances = comparison("squaredDistance", squaredDistance);

function comparison(
  loop: "dot" | "squaredDistance",
  ofRow: (block: Float32Array, start: number, query: Float64Array) => number,
): Comparison {
  return (block, count, query, sums) => {
    const memory = memories.get(block);
    if (memory === undefined) {
      for (let row = 0; row < count; row++) sums[row] = ofRow(block, row * query.length, query);
      return;
    }
    memory.query.set(query);
    memory[loop](0, count, memory.query.byteOffset, query.length, memory.sums.byteOffset);
    sums.set(memory.sums.subarray(0, count));
  };
}

/**
 * The dot product of the query with the row that starts there. Four sums at a time, so that no addition waits for the one
 * before; float64, because that costs nothing here. `| 0` spares overflow checks: nearly half of the time.
 */
export function dot(block: Float32Array, start: number, query: Float64Array): number {
  const { length } = query;
  let sum0 = 0;
  let sum1 = 0;
  let sum2 = 0;
  let sum3 = 0;
  let index = 0;
  let position = start | 0;
  for (const end = length - 3; index < end; index = (index + 4) | 0) {
    sum0 += block[position]! * query[index]!;
    sum1 += block[(position + 1) | 0]! * query[(index + 1) | 0]!;
    sum2 += block[(position + 2) | 0]! * query[(index + 2) | 0]!;
    sum3 += block[(position + 3) | 0]! * query[(index + 3) | 0]!;
    position = (position + 4) | 0;
  }
  for (; index < length; index++) sum0 += block[start + index]! * query[index]!;
  return sum0 + sum1 + (sum2 + sum3);
}

function squaredDistance(block: Float32Array, start: number, query: Float64Array): number {
  const { length } = query;
  let sum0 = 0;
  let sum1 = 0;
  let sum2 = 0;
  let sum3 = 0;
  let index = 0;
  let position = start | 0;
  for (const end = length - 3; index < end; index = (index + 4) | 0) {
    const difference0 = block[position]! - query[index]!;
    const difference1 = block[(position + 1) | 0]! - query[(index + 1) | 0]!;
    const difference2 = block[(position + 2) | 0]! - query[(index + 2) | 0]!;
    const difference3 = block[(position + 3) | 0]! - query[(index + 3) | 0]!;
    sum0 += difference0 * difference0;
    sum1 += difference1 * difference1;
    sum2 += difference2 * difference2;
    sum3 += difference3 * difference3;
    position = (position + 4) | 0;
  }
  for (; index < length; index++) {
    const difference = block[start + index]! - query[index]!;
    sum0 += difference * difference;
  }
  return sum0 + sum1 + (sum2 + sum3);
}
