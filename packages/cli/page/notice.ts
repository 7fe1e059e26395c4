import { ApiFailure, setApiKey } from "./api.ts";
import { byId, element, freshId } from "./dom.ts";

let isOutage = false;

/** Takes the notice away that the server does not answer, when it answers again. */
export function clearOutage(): void {
  if (isOutage) byId("notice").replaceChildren();
  isOutage = false;
}

/** Shows what went wrong; asks for the key of the server where it is missing. */
export function reportFailure(error: unknown): void {
  const notice = byId("notice");
  isOutage = error instanceof ApiFailure && error.status === 0;
  if (error instanceof ApiFailure && error.status === 401) {
    notice.replaceChildren(keyForm());
    return;
  }
  showNotice([messageOf(error)]);
}

/** Shows what went wrong with several things; takes an earlier notice away if nothing did. */
export function reportProblems(problems: readonly string[]): void {
  isOutage = false;
  if (problems.length === 0) byId("notice").replaceChildren();
  else showNotice(problems);
}

/** What a person reads of an error. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function showNotice(messages: readonly string[]): void {
  const notice = byId("notice");
  const close = element("button", { type: "button", class: "quiet" }, "Close");
  close.addEventListener("click", () => notice.replaceChildren());
  const lines = messages.map((message) => element("p", { dir: "auto" }, message));
  notice.replaceChildren(element("div", { class: "alert" }, element("div", {}, ...lines), close));
}

function keyForm(): HTMLElement {
  const id = freshId();
  const input = element("input", { id, type: "password", autocomplete: "off", required: true });
  const form = element(
    "form",
    { class: "alert" },
    element("label", { for: id }, "This server asks for a key"),
    input,
    element("button", { type: "submit" }, "Use it"),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    setApiKey(input.value);
    location.reload();
  });
  return form;
}
