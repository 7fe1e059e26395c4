/** A point of a plot. */
export interface PlotPoint {
  readonly x: number;
  readonly y: number;
  /** Area of the point, compared with other points. */
  readonly size: number;
  /** Points of one series have one colour. */
  readonly series: string;
  readonly label: string;
}

/** What stands at the axes. */
export interface PlotTitles {
  readonly title: string;
  readonly x: string;
  readonly y: string;
  readonly size: string;
}

/** Pixels of the picture, and what the axes take of it. */
const frame = { width: 820, height: 480, left: 76, right: 190, top: 56, bottom: 60 };

/** Colours that people with colour blindness tell apart (Okabe and Ito). */
const colours = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00"];

/** Radii of the smallest and of the largest point. */
const radii = { least: 5, most: 14 };

/** Points as an SVG picture, which needs no script and no font of its own. */
export function svgPlot(points: readonly PlotPoint[], titles: PlotTitles): string {
  const series = [...new Set(points.map((point) => point.series))];
  const colourOf = (name: string) => colours[series.indexOf(name) % colours.length]!;
  const xs = axis(points.map(({ x }) => x));
  const ys = axis(points.map(({ y }) => y));
  const left = (x: number) =>
    frame.left + ((x - xs.from) / (xs.to - xs.from)) * (frame.width - frame.left - frame.right);
  const top = (y: number) =>
    frame.height -
    frame.bottom -
    ((y - ys.from) / (ys.to - ys.from)) * (frame.height - frame.top - frame.bottom);
  const mostSize = Math.max(...points.map(({ size }) => size)) || 1;
  const bottom = frame.height - frame.bottom;
  const right = frame.width - frame.right;
  const parts = [
    `<text x="${frame.left}" y="28" font-size="17" font-weight="600">${escaped(titles.title)}</text>`,
    ...ys.ticks.map(
      (tick) =>
        line(frame.left, top(tick), right, top(tick)) +
        text(frame.left - 10, top(tick) + 4, number(tick), "end"),
    ),
    ...xs.ticks.map(
      (tick) =>
        line(left(tick), bottom, left(tick), bottom + 6) +
        text(left(tick), bottom + 22, number(tick), "middle"),
    ),
    text((frame.left + right) / 2, frame.height - 14, titles.x, "middle"),
    `<text transform="translate(20 ${(frame.top + bottom) / 2}) rotate(-90)" text-anchor="middle">${escaped(titles.y)}</text>`,
    ...points.map(({ x, y, size, series: name, label }) => {
      const radius = Math.max(radii.least, Math.sqrt(size / mostSize) * radii.most);
      return `<circle cx="${round(left(x))}" cy="${round(top(y))}" r="${round(radius)}" fill="${colourOf(name)}" fill-opacity="0.75"><title>${escaped(label)}</title></circle>`;
    }),
    ...series.map((name, place) => {
      const y = frame.top + 10 + place * 22;
      return `<circle cx="${right + 24}" cy="${y}" r="6" fill="${colourOf(name)}"/>${text(right + 38, y + 4, name, "start")}`;
    }),
    text(right + 18, frame.top + 10 + series.length * 22 + 14, `Area: ${titles.size}`, "start"),
  ];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${frame.width} ${frame.height}" role="img" font-family="system-ui, sans-serif" font-size="13" fill="#1d1c19">
<title>${escaped(titles.title)}</title>
<rect width="100%" height="100%" fill="#ffffff"/>
${parts.join("\n")}
</svg>
`;
}

/** A range with round ticks that holds all values. */
function axis(values: readonly number[]): {
  readonly from: number;
  readonly to: number;
  readonly ticks: readonly number[];
} {
  const least = Math.min(...values);
  const most = Math.max(...values);
  const span = most - least || Math.abs(most) || 1;
  const rough = span / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough)!;
  const from = Math.floor(least / step - 0.2) * step;
  const to = Math.ceil(most / step + 0.2) * step;
  const ticks = Array.from({ length: Math.round((to - from) / step) + 1 }, (_, place) => from + place * step);
  return { from, to, ticks };
}

function line(x1: number, y1: number, x2: number, y2: number): string {
  return `<line x1="${round(x1)}" y1="${round(y1)}" x2="${round(x2)}" y2="${round(y2)}" stroke="#d9d4c8"/>`;
}

function text(x: number, y: number, content: string, anchor: string): string {
  return `<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}">${escaped(content)}</text>`;
}

function number(value: number): string {
  return String(Number(value.toPrecision(6)));
}

function round(value: number): string {
  return value.toFixed(1);
}

function escaped(content: string): string {
  const entities: Readonly<Record<string, string>> = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
  };
  return content.replace(/[&<>"]/g, (character) => entities[character]!);
}
