import { api } from "./api.ts";
import { element, freshId } from "./dom.ts";
import { reportFailure } from "./notice.ts";

/** A field for queries, which offers the judged ones if the server has some. */
export function queryField(onChange: () => void): {
  readonly whole: HTMLElement;
  readonly input: HTMLInputElement;
} {
  const [id, list] = [freshId(), freshId()];
  const input = element("input", {
    id,
    type: "search",
    list,
    placeholder: "What are you looking for?",
    autocomplete: "off",
  });
  const options = element("datalist", { id: list });
  input.addEventListener("input", onChange);
  api
    .queries()
    .then(
      (queries) =>
        options.append(...queries.slice(0, 200).map(({ text }) => element("option", { value: text }))),
      reportFailure,
    );
  return {
    input,
    whole: element("div", { class: "field query" }, element("label", { for: id }, "Query"), input, options),
  };
}
