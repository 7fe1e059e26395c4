import type { SearchSettings } from "../api-types.ts";
import { element } from "../dom.ts";
import { type PageFacts, shortName } from "../facts.ts";
import { type SettingsForm, settingsForm } from "../parts/search-settings.ts";

/** Names of what is compared. */
export const sideNames = ["A", "B"] as const;

/** Something for each side. */
export type Pair<Value> = readonly [a: Value, b: Value];

/** The settings of both sides, which all views that search share. */
export interface ComparedSettings {
  readonly root: HTMLElement;
  values(): Pair<SearchSettings>;
  /** Called when a person changes a setting. */
  onChange: () => void;
  /** How often a setting was changed. */
  changes: number;
}

/** What makes B differ from A at first: another model, or else no keyword arm. */
export function comparedSettings(facts: PageFacts): ComparedSettings {
  const change = () => {
    compared.changes++;
    compared.onChange();
  };
  const difference = facts.models.length > 1 ? { model: 1 } : { weights: { keyword: 0 } };
  const forms: Pair<SettingsForm> = [
    settingsForm("Settings A", facts, change),
    settingsForm("Settings B", facts, change, difference),
  ];
  const compared: ComparedSettings = {
    root: element(
      "details",
      { class: "fold", open: matchMedia("(min-width: 52rem)").matches },
      element("summary", {}, "Settings of A and B"),
      element("div", { class: "columns wide" }, ...forms.map(({ root }) => root)),
    ),
    values: () => [forms[0].value(), forms[1].value()],
    onChange: () => {},
    changes: 0,
  };
  return compared;
}

/** What a side is called: its letter, and its model where the models differ. */
export function titlesOf([a, b]: Pair<{ readonly model: string }>): Pair<string> {
  if (a.model === b.model) return sideNames;
  return [`${sideNames[0]} · ${shortName(a.model)}`, `${sideNames[1]} · ${shortName(b.model)}`];
}

/** The title of a view that compares, and the links to its sisters. */
export function compareHead(title: string, current: string): HTMLElement {
  const links = [
    ["compare", "A query"],
    ["compare-text", "A text"],
    ["compare-queries", "Judged queries"],
  ] as const;
  return element(
    "div",
    {},
    element("h1", {}, title),
    element(
      "nav",
      { class: "sisters", "aria-label": "What is compared" },
      ...links.map(([name, text]) =>
        element("a", { href: `#${name}`, "aria-current": name === current && "page" }, text),
      ),
    ),
  );
}
