/**
 * The vector of length 1 in the same direction. Engines compare by cosine in float32, where the squares of short and long
 * vectors are 0 or infinite; some take a short vector as it is. A vector of zeros has no direction and stays as it is.
 */
export function toUnitVector(vector: Float32Array): Float32Array {
  let squares = 0;
  // A number has room for the square of every float32.
  for (const part of vector) squares += part * part;
  return squares === 0 ? vector : vector.map((part) => part / Math.sqrt(squares));
}
