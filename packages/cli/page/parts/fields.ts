import { element, freshId } from "../dom.ts";

/** A label and its field. */
export interface Field<Input extends HTMLElement> {
  readonly input: Input;
  readonly whole: HTMLElement;
}

/** A field for texts that grows with them. */
export function textField(label: string, value: string, rows: number): Field<HTMLTextAreaElement> {
  const id = freshId();
  const input = element("textarea", { id, rows, spellcheck: "false", dir: "auto" });
  input.value = value;
  return { input, whole: element("div", { class: "field" }, element("label", { for: id }, label), input) };
}

/** A slider, its label, and its value in words. */
export function slider(
  label: string,
  range: {
    readonly minimum: number;
    readonly maximum: number;
    readonly step: number;
    readonly value: number;
  },
  describe: (value: number) => string,
  onChange: () => void,
): Field<HTMLInputElement> {
  const id = freshId();
  const { minimum, maximum, step, value } = range;
  const input = element("input", { id, type: "range", min: minimum, max: maximum, step, value });
  const shown = element("output", { for: id });
  const update = () => {
    shown.textContent = describe(input.valueAsNumber);
    input.setAttribute("aria-valuetext", describe(input.valueAsNumber));
  };
  input.addEventListener("input", () => {
    update();
    onChange();
  });
  update();
  return {
    input,
    whole: element("div", { class: "slider" }, element("label", { for: id }, label), shown, input),
  };
}

/** A choice of a few. */
export function choice(
  label: string,
  options: readonly (readonly [value: string, text: string])[],
  onChange: () => void,
): Field<HTMLSelectElement> {
  const id = freshId();
  const input = element(
    "select",
    { id },
    ...options.map(([value, text]) => element("option", { value }, text)),
  );
  input.addEventListener("change", onChange);
  return { input, whole: element("div", { class: "choice" }, element("label", { for: id }, label), input) };
}

/** Largest number of weights that the slider has; one step beyond stands for all. */
const mostDims = 256;

/**
 * A slider for the number of weights that are kept.
 * @param first the number at first; all if not given
 */
export function dimsSlider(
  label: string,
  onChange: () => void,
  first: number = mostDims + 1,
): Field<HTMLInputElement> & { value(): number | undefined } {
  const field = slider(
    label,
    { minimum: 1, maximum: mostDims + 1, step: 1, value: first },
    (value) => (value > mostDims ? "all" : String(value)),
    onChange,
  );
  return {
    ...field,
    value: () => (field.input.valueAsNumber > mostDims ? undefined : field.input.valueAsNumber),
  };
}
