import { choice, type Field } from "./fields.ts";

/** A choice of a sparse model. */
export interface ModelChoice {
  /** Undefined where there is one model: nothing is to choose. */
  readonly field: Field<HTMLSelectElement> | undefined;
  value(): string;
}

/** @param start place of the model that is chosen at first */
export function modelChoice(models: readonly string[], onChange: () => void, start = 0): ModelChoice {
  const first = models[start] ?? models[0] ?? "";
  if (models.length < 2) return { field: undefined, value: () => first };
  const field = choice(
    "Model",
    models.map((name) => [name, name] as const),
    onChange,
  );
  field.input.value = first;
  return { field, value: () => field.input.value };
}
