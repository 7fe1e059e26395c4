/** A weight with two digits after the point. */
export function weightText(value: number): string {
  return value.toFixed(2);
}

export function percentText(share: number): string {
  const percent = 100 * share;
  return `${percent < 1 && percent > 0 ? "< 1" : percent.toFixed(0)} %`;
}

export function countText(count: number, one: string, many: string): string {
  return `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
}

/** A number of bytes in the unit that people read. */
export function bytesText(bytes: number): string {
  const mebibytes = bytes / 2 ** 20;
  return mebibytes >= 0.1
    ? `${Number(mebibytes.toFixed(1)).toLocaleString("en")} MiB`
    : `${bytes.toLocaleString("en")} bytes`;
}
