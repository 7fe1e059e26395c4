import { api } from "../api.ts";
import { element, freshId } from "../dom.ts";
import { reportFailure } from "../notice.ts";

/** Judged queries that the field offers. */
const offeredQueries = 200;

/** A field for queries. */
export interface QueryField {
  readonly whole: HTMLElement;
  readonly input: HTMLInputElement;
  /** Offers the judged queries that the server has now. */
  refresh(): void;
}

/** Makes a field for queries. */
export function queryField(onChange: () => void): QueryField {
  const [id, list] = [freshId(), freshId()];
  const input = element("input", {
    id,
    type: "search",
    list,
    placeholder: "What are you looking for?",
    autocomplete: "off",
    dir: "auto",
  });
  const options = element("datalist", { id: list });
  input.addEventListener("input", onChange);
  const refresh = () => {
    api.queries().then((queries) => {
      const offered = queries.slice(0, offeredQueries);
      options.replaceChildren(...offered.map(({ text }) => element("option", { value: text })));
    }, reportFailure);
  };
  return {
    input,
    whole: element("div", { class: "field query" }, element("label", { for: id }, "Query"), input, options),
    refresh,
  };
}
