import type { ArmName, ArmPlace, Hit, MatchedTerm } from "./api.ts";
import { element, withShare } from "./dom.ts";
import { highlightedText } from "./marked-text.ts";
import { armOrder, armTitles } from "./search-settings.ts";
import { termBars } from "./term-bars.ts";

/** What a card shows beside its hit. */
export interface CardOptions {
  readonly rank: number;
  /** Places that the hit has moved since the last ranking; undefined for one that is new. */
  readonly moved: number | undefined;
  /** Largest score of each arm, which its bar is compared with. */
  readonly largest: Readonly<Partial<Record<ArmName, number>>>;
  /** A remark in place of the move. */
  readonly remark?: string | undefined;
}

/** A hit: its text, its rank in every arm, and why. */
export function hitCard(hit: Hit, { rank, moved, largest, remark }: CardOptions): HTMLElement {
  const { title, heading, page } = hit.metadata;
  const arms = armsOf(hit);
  const terms = arms.flatMap(([, { terms: matched = [] }]) => matched);
  const place = [title, heading !== title && heading, page !== undefined && `page ${String(page)}`]
    .filter((part) => typeof part === "string" && part !== "")
    .join(" › ");
  return element(
    "article",
    { class: "hit", "data-id": hit.id },
    element(
      "header",
      {},
      element("span", { class: "rank", "aria-label": `Rank ${rank}` }, String(rank)),
      element(
        "div",
        { class: "place" },
        element("h2", {}, place || hit.id),
        place !== "" && element("small", {}, hit.id),
      ),
      badge(hit, moved, remark),
    ),
    highlightedText(hit.text, wordShares(terms)),
    element(
      "dl",
      { class: "arms" },
      ...arms.map(([arm, found]) => armRow(arm, found.rank, found.score, largest[arm] ?? 1)),
      fusedRow(hit.fused_score),
    ),
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

function badge({ grade }: Hit, moved: number | undefined, remark: string | undefined): HTMLElement {
  const badges = element("span", { class: "badges" });
  if (grade !== undefined && grade > 0) badges.append(element("span", { class: "badge good" }, "relevant"));
  if (remark !== undefined) badges.append(element("span", { class: "badge" }, remark));
  else if (moved !== undefined && moved !== 0) {
    const [sign, word] = moved > 0 ? ["▲", "up"] : ["▼", "down"];
    badges.append(
      element(
        "span",
        { class: `badge ${word}`, "aria-label": `${Math.abs(moved)} ${word}` },
        `${sign} ${Math.abs(moved)}`,
      ),
    );
  }
  return badges;
}

function armRow(arm: ArmName, rank: number, score: number, largest: number): HTMLElement {
  return element(
    "div",
    {},
    element("dt", {}, armTitles[arm]),
    element(
      "dd",
      {},
      element("b", {}, `#${rank}`),
      withShare(element("span", { class: `bar ${arm}`, "aria-hidden": "true" }), score / (largest || 1)),
      element("span", { class: "number" }, score.toFixed(2)),
    ),
  );
}

function fusedRow(score: number): HTMLElement {
  return element(
    "div",
    { class: "fused" },
    element("dt", {}, "Fused"),
    element("dd", {}, element("span", { class: "number" }, score.toFixed(3))),
  );
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
    shares.set(token, Math.max(shares.get(token) ?? 0, contribution / largest));
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
