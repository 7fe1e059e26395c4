import { fusionTitles } from "../../src/search/fusion-names.ts";
import type { ArmName, SearchSettings } from "../api-types.ts";
import { element } from "../dom.ts";
import type { PageFacts } from "../facts.ts";
import { choice, dimsSlider, slider } from "./fields.ts";
import { modelChoice } from "./model-choice.ts";

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

/** Values at first, where they are not the usual ones. */
export interface FirstSettings {
  /** What arms count; 1 if not given. */
  readonly weights?: Readonly<Partial<Record<ArmName, number>>>;
  /** Place of the model; the first if not given. */
  readonly model?: number;
}

/** The model, sliders for what each arm counts, the fusion, and the weights of the query that are used. */
export function settingsForm(
  title: string,
  { arms, models }: PageFacts,
  onChange: () => void,
  first: FirstSettings = {},
): SettingsForm {
  const model = modelChoice(models, onChange, first.model);
  const weights = arms.map((arm) => ({
    arm,
    field: slider(
      armTitles[arm],
      { minimum: 0, maximum: 2, step: 0.05, value: first.weights?.[arm] ?? 1 },
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
    model.field?.whole,
    ...weights.map(({ field }) => field.whole),
    fusion.whole,
    dims.whole,
  );
  return {
    root,
    value: () => ({
      model: model.value(),
      fusion: fusion.input.value,
      weights: Object.fromEntries(weights.map(({ arm, field }) => [arm, field.input.valueAsNumber])),
      maxActiveDims: dims.value(),
    }),
  };
}

/** The arms that count. */
export function countedArms({ weights }: SearchSettings): ArmName[] {
  return armOrder.filter((arm) => (weights[arm] ?? 0) > 0);
}
