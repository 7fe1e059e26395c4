import { type ArmName, api, Latest, type SearchAnswer } from "./api.ts";
import { debounced, element } from "./dom.ts";
import { hitCard, largestScores } from "./hit-card.ts";
import { reportFailure } from "./notice.ts";
import { queryField } from "./query-field.ts";
import { hasArm, type SettingsForm, settingsForm } from "./search-settings.ts";
import { shownHits } from "./search-view.ts";
import { figure } from "./text-view.ts";
import type { View, ViewPart } from "./view.ts";

const sides = ["A", "B"] as const;

/** What makes B differ from A at first: no keyword arm. */
const firstDifference = { A: {}, B: { keyword: 0 } } as const;

/** Two settings beside each other for one query. */
export function compareView(arms: readonly ArmName[]): View {
  return {
    name: "compare",
    title: "Compare",
    create(): ViewPart {
      const update = debounced(() => void refresh());
      const query = queryField(update);
      const columns = sides.map((side) => {
        const settings = settingsForm(`Settings ${side}`, arms, update, firstDifference[side]);
        const figures = element("p", { class: "figures", role: "status" });
        const list = element("ol", { class: "hits" });
        const root = element("section", { "aria-label": side }, settings.root, figures, list);
        return { side, settings, figures, list, root };
      });
      const latest = new Latest();
      const refresh = () =>
        latest
          .run(async (signal) => {
            const text = query.input.value.trim();
            const answers = await Promise.all(
              columns.map(({ settings }) => answerOf(text, settings, signal)),
            );
            for (const [number, column] of columns.entries()) {
              showSide(column, answers[number]!, answers[1 - number]!, sides[1 - number]!);
            }
          })
          .catch(reportFailure);
      const root = element(
        "div",
        {},
        element("h1", {}, "Two settings, one query"),
        query.whole,
        element("div", { class: "columns wide" }, ...columns.map((column) => column.root)),
      );
      return { root };
    },
  };
}

async function answerOf(text: string, settings: SettingsForm, signal: AbortSignal): Promise<SearchAnswer> {
  const values = settings.value();
  if (text === "" || !hasArm(values)) return { hits: [] };
  return api.search(text, shownHits, values, signal);
}

function showSide(
  { figures, list }: { readonly figures: HTMLElement; readonly list: HTMLElement },
  own: SearchAnswer,
  other: SearchAnswer,
  otherName: string,
): void {
  const common = own.hits.filter(({ id }) => other.hits.some((hit) => hit.id === id)).length;
  figures.replaceChildren(
    ...(own.hits.length === 0
      ? []
      : [figure(`${common} of ${own.hits.length}`, `hits are in ${otherName} too`)]),
    ...(own.ndcg_at_10 === undefined ? [] : [figure(own.ndcg_at_10.toFixed(3), "nDCG@10")]),
  );
  const largest = largestScores(own.hits);
  list.replaceChildren(
    ...own.hits.map((hit, position) => {
      const place = other.hits.findIndex(({ id }) => id === hit.id);
      const remark =
        place === -1 ? "only here" : place === position ? undefined : `${otherName} #${place + 1}`;
      return element("li", {}, hitCard(hit, { rank: position + 1, moved: undefined, largest, remark }));
    }),
  );
}
