/** Attributes of an element; one that is false or undefined is left out, one that is true has no value. */
export type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;

/** What stands in an element. Texts never become markup. */
export type Content = Node | string | undefined | false;

/** Makes an element. */
export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...contents: readonly Content[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    made.setAttribute(name, value === true ? "" : String(value));
  }
  made.append(...contents.filter((content) => content !== undefined && content !== false));
  return made;
}

/** Sets a variable of the style sheet, which the policy of the page allows, other than `style` in markup. */
export function withShare<Kind extends HTMLElement>(made: Kind, share: number): Kind {
  made.style.setProperty("--share", Math.min(1, Math.max(0, share)).toFixed(4));
  return made;
}

/** The element of this id. */
export function byId(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`There is no element ${id}.`);
  return found;
}

let names = 0;

/** An id that no other element has. */
export function freshId(): string {
  return `n${++names}`;
}

/** Calls `work` a moment after the last of several calls. */
export function debounced(work: () => void, milliseconds = 160): () => void {
  let timer = 0;
  return () => {
    window.clearTimeout(timer);
    timer = window.setTimeout(work, milliseconds);
  };
}
