/** Blocks of one to eight eighths of a character. */
const eighths = ["▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"];

/** A bar of `share` (0 to 1) of `width` characters; at least an eighth of one for a share above 0. */
export function bar(share: number, width: number): string {
  const units = Math.round(Math.min(1, Math.max(0, share)) * width * 8);
  if (units === 0) return share > 0 ? eighths[0]! : "";
  const rest = units % 8;
  return "█".repeat(Math.floor(units / 8)) + (rest === 0 ? "" : eighths[rest - 1]!);
}
