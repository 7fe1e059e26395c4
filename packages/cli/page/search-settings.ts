import { fusionTitles } from "../src/search/fusion-names.ts";
import type { ArmName, SearchSettings } from "./api.ts";
import { element } from "./dom.ts";
import { choice, dimsSlider, slider } from "./fields.ts";

/** Names of the arms for people. */
export const armTitles: Readonly<Record<ArmName, string>> = {
  sparse: "Meaning (SPLADE)",
  keyword: "Words (BM25)",
  dense: "Dense vectors",
};

export const armOrder: readonly ArmName[] = ["sparse", "keyword", "dense"];

/** Controls of a search. */
export interface SettingsForm {
  readonly root: HTMLElement;
  value(): SearchSettings;
}

/**
 * Sliders for what each arm counts, the fusion, and the weights of the query that are used.
 * @param start what arms count at first, where that is not 1
 */
export function settingsForm(
  title: string,
  arms: readonly ArmName[],
  onChange: () => void,
  start: Readonly<Partial<Record<ArmName, number>>> = {},
): SettingsForm {
  const weights = arms.map((arm) => ({
    arm,
    field: slider(
      armTitles[arm],
      { minimum: 0, maximum: 2, step: 0.05, value: start[arm] ?? 1 },
      (value) => (value === 0 ? "off" : `× ${value.toFixed(2)}`),
      onChange,
    ),
  }));
  const fusion = choice("Fusion", Object.entries(fusionTitles), onChange);
  const dims = dimsSlider("Weights of the query", onChange);
  const root = element(
    "fieldset",
    { class: "settings" },
    element("legend", {}, title),
    ...weights.map(({ field }) => field.whole),
    fusion.whole,
    dims.whole,
  );
  return {
    root,
    value: () => ({
      fusion: fusion.input.value,
      weights: Object.fromEntries(weights.map(({ arm, field }) => [arm, field.input.valueAsNumber])),
      maxActiveDims: dims.value(),
    }),
  };
}

/** False if all arms are off, which the server refuses. */
export function hasArm({ weights }: SearchSettings): boolean {
  return Object.values(weights).some((weight) => weight > 0);
}
