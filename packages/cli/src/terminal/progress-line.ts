/** Milliseconds between two states of the line. */
const interval = 100;

/** One line on standard error that is written anew as work goes on; nothing where that is not a terminal. */
export class ProgressLine implements Disposable {
  private readonly started = performance.now();
  private readonly isShown: boolean;
  private last = 0;
  private isDrawn = false;

  constructor(stream: { readonly isTTY?: boolean } = process.stderr) {
    this.isShown = stream.isTTY === true;
  }

  /** Shows how far a task is. */
  count(label: string, done: number, total: number | undefined, unit: string): void {
    const seconds = (performance.now() - this.started) / 1000;
    const speed = seconds > 0 ? `, ${(done / seconds).toFixed(done / seconds < 10 ? 1 : 0)} per second` : "";
    const whole = total === undefined ? "" : ` of ${total.toLocaleString("en")}`;
    this.show(`${label}: ${done.toLocaleString("en")}${whole} ${unit}${speed}`);
  }

  show(text: string): void {
    const now = performance.now();
    if (!this.isShown || (this.isDrawn && now - this.last < interval)) return;
    this.last = now;
    this.isDrawn = true;
    const columns = process.stderr.columns ?? 80;
    process.stderr.write(`\r\u001b[2K${text.slice(0, columns - 1)}`);
  }

  [Symbol.dispose](): void {
    if (this.isDrawn) process.stderr.write("\r\u001b[2K");
    this.isDrawn = false;
  }
}
