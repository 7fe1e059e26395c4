import type { ArmName, ArmPlace, Hit, MatchedTerm } from "../api-types.ts";
import { element, withShare } from "../dom.ts";
import { folded, highlightedText } from "./marked-text.ts";
import { armOrder, armTitles } from "./search-settings.ts";
import { termBars } from "./term-bars.ts";

/** What a card shows beside its hit. */
export interface CardOptions {
  readonly rank: number;
  /** Places that the hit has moved since the last ranking; undefined for one that is new. */
  readonly moved: number | undefined;
  /** Largest score of each arm, which its bar is compared with. */
  readonly largest: Readonly<Partial<Record<ArmName, number>>>;
  /** The arms that were asked, in the order of their titles. */
  readonly asked: readonly ArmName[];
  /** A remark in place of the move. */
  readonly remark?: string | undefined;
}

/** A hit: its text, its rank in every arm, and why. */
export function hitCard(hit: Hit, { rank, moved, largest, asked, remark }: CardOptions): HTMLElement {
  const arms = armsOf(hit);
  const terms = arms.flatMap(([, { terms: matched = [] }]) => matched);
  const place = placeOf(hit);
  return element(
    "article",
    { class: "hit", "data-id": hit.id },
    element(
      "header",
      {},
      element("span", { class: "rank" }, element("span", { class: "hidden" }, "Rank "), String(rank)),
      element(
        "div",
        { class: "place" },
        element("h2", { dir: "auto" }, place || hit.id),
        place !== "" && element("small", { dir: "auto" }, hit.id),
        badges(hit, moved, remark),
      ),
      fusedScore(hit.fused_score),
    ),
    highlightedText(hit.text, wordShares(terms)),
    element("dl", { class: "arms" }, ...asked.map((arm) => armRow(arm, hit.arms[arm], largest[arm] ?? 1))),
    terms.length > 0 &&
      element(
        "details",
        {},
        element("summary", {}, "Why"),
        element(
          "div",
          { class: "columns" },
          ...arms.flatMap(([arm, { terms: matched }]) =>
            matched === undefined ? [] : [armTerms(arm, matched)],
          ),
        ),
      ),
  );
}

function badges({ grade }: Hit, moved: number | undefined, remark: string | undefined): HTMLElement {
  const shown = element("div", { class: "badges" });
  if (grade !== undefined && grade > 0) {
    shown.append(
      element("span", { class: "badge good" }, grade === 1 ? "relevant" : `relevant, grade ${grade}`),
    );
  }
  if (remark !== undefined) shown.append(element("span", { class: "badge" }, remark));
  else if (moved !== undefined && moved !== 0) shown.append(moveBadge(moved));
  return shown;
}

/** How many places something went up or down. */
export function moveBadge(moved: number): HTMLElement {
  const [sign, word] = moved > 0 ? ["▲", "up"] : ["▼", "down"];
  return element(
    "span",
    { class: `badge ${word}` },
    element("span", { "aria-hidden": "true" }, `${sign} `),
    element("span", { class: "hidden" }, `${word} `),
    String(Math.abs(moved)),
  );
}

function armRow(arm: ArmName, place: ArmPlace | undefined, largest: number): HTMLElement {
  const found =
    place === undefined
      ? [element("span", { class: "none" }, "did not find it")]
      : [
          element("b", {}, `#${place.rank}`),
          withShare(
            element("span", { class: `bar ${arm}`, "aria-hidden": "true" }),
            place.score / (largest || 1),
          ),
          element("span", { class: "number" }, place.score.toFixed(2)),
        ];
  return element("div", {}, element("dt", {}, armTitles[arm]), element("dd", {}, ...found));
}

function fusedScore(score: number): HTMLElement {
  return element("span", { class: "fused" }, element("small", {}, "Fused "), score.toFixed(3));
}

function armTerms(arm: ArmName, terms: readonly MatchedTerm[]): HTMLElement {
  const bars = terms.map(({ token, index, contribution }) => ({
    token: token ?? `[${index}]`,
    weight: contribution,
  }));
  const largest = Math.max(0, ...bars.map(({ weight }) => weight));
  return termBars(armTitles[arm], bars, largest, arm);
}

/** Share of the largest contribution by word. */
function wordShares(terms: readonly MatchedTerm[]): Map<string, number> {
  const largest = Math.max(0, ...terms.map(({ contribution }) => contribution)) || 1;
  const shares = new Map<string, number>();
  for (const { token, contribution } of terms) {
    if (token === undefined || token.startsWith("##")) continue;
    const word = folded(token.replace(/^[▁Ġ]/, "").replace(/<\/w>$/, ""));
    shares.set(word, Math.max(shares.get(word) ?? 0, contribution / largest));
  }
  return shares;
}

/** The arms that found a hit, in the order of their titles. */
function armsOf({ arms }: Hit): [ArmName, ArmPlace][] {
  return armOrder.flatMap((arm): [ArmName, ArmPlace][] => {
    const place = arms[arm];
    return place === undefined ? [] : [[arm, place]];
  });
}

/** A passage by its title and headings, or else by its id. */
export function titleOf(hit: Hit): string {
  return placeOf(hit) || hit.id;
}

function placeOf({ metadata: { title, heading, page } }: Hit): string {
  const parts = [title, heading !== title && heading, page !== undefined && `page ${String(page)}`];
  return parts.filter((part) => typeof part === "string" && part !== "").join(" › ");
}

/** Largest score of each arm over hits. */
export function largestScores(hits: readonly Hit[]): Partial<Record<ArmName, number>> {
  const largest: Partial<Record<ArmName, number>> = {};
  for (const hit of hits) {
    for (const [arm, { score }] of armsOf(hit)) {
      largest[arm] = Math.max(largest[arm] ?? 0, score);
    }
  }
  return largest;
}
