import { element } from "../dom.ts";

/** A number and what it counts. */
export function figure(value: string, label: string): HTMLElement {
  return element("span", { class: "figure" }, element("b", {}, value), ` ${label}`);
}
