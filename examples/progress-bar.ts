import { Presets, SingleBar } from "cli-progress";

/** A bar on stderr for `onProgress` of the encode methods; a single line at the end where there is no terminal. */
export function progressBar(label: string, total: number) {
  const bar = new SingleBar(
    {
      format: `${label} {bar} {value}/{total} texts, {speed} a second`,
      barsize: 30,
      hideCursor: true,
      stream: process.stderr,
    },
    Presets.shades_classic,
  );
  const interactive = process.stderr.isTTY === true;
  let speed = "0";
  if (interactive) bar.start(total, 0, { speed });
  return {
    onProgress: ({ done, textsPerSecond }: { done: number; textsPerSecond: number }) => {
      speed = textsPerSecond.toFixed(0);
      if (interactive) bar.update(done, { speed });
    },
    stop: () => {
      if (interactive) bar.stop();
      else process.stderr.write(`${label}: ${total} texts, ${speed} a second\n`);
    },
  };
}
