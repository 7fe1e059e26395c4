import { monitorEventLoopDelay } from "node:perf_hooks";
import { SparseEncoder } from "@sparse-encoder/core";

/**
 * Time, memory and pauses of one very long text: `tsx bench/long-texts.ts [model folder] [megabytes]`. Prints a line per kind of
 * text, for a query and a document: milliseconds, growth of the resident memory at its peak, and the longest pause of the event
 * loop.
 */
const [folder, megabytes = "10"] = process.argv.slice(2);
const units = Number(megabytes) * 1e6;

const repeat = (piece: string) => piece.repeat(Math.ceil(units / piece.length)).slice(0, units);
const kinds: Record<string, () => string> = {
  "no blanks": () => repeat("Donaudampfschifffahrt.Lorem,ipsum;dolor"),
  "one letter": () => repeat("a"),
  URLs: () => repeat("https://example.org/path?q=a%20b&x=1#part"),
  base64: () => Buffer.alloc(units * 0.75, "7d9fk2").toString("base64"),
  Chinese: () => repeat("中国人民今天气很好的是在了有和大地上学"),
  Thai: () => repeat("สวัสดีครับประเทศไทยมหาวิทยาลัย"),
  emoji: () => repeat("😀🚀👍🏽"),
  "combining marks": () => repeat("\u0301\u0327"),
  NUL: () => repeat("\0"),
  "minified code": () => repeat('function(a,b){return a.b=c;}if(x===0x1f){y["z"]=1}'),
};

const encoder = await SparseEncoder.load(folder);
await encoder.encode("warm");
for (const [kind, text] of Object.entries(kinds)) {
  const long = text();
  for (const method of ["encodeQuery", "encodeDocument"] as const) {
    const delay = monitorEventLoopDelay({ resolution: 1 });
    const before = process.memoryUsage().rss;
    let peak = before;
    const watch = setInterval(() => {
      peak = Math.max(peak, process.memoryUsage().rss);
    }, 5);
    delay.enable();
    const start = performance.now();
    await encoder[method](long);
    const time = performance.now() - start;
    delay.disable();
    clearInterval(watch);
    peak = Math.max(peak, process.memoryUsage().rss);
    const grown = ((peak - before) / 1e6).toFixed(0);
    console.log(
      `${kind}, ${method}: ${time.toFixed(0)} ms, +${grown} MB, gap ${(delay.max / 1e6).toFixed(0)} ms`,
    );
  }
}
await encoder.close();
