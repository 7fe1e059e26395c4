import { ApiFailure, setApiKey } from "./api.ts";
import { byId, element, freshId } from "./dom.ts";

/** Shows what went wrong; asks for the key of the server where it is missing. */
export function reportFailure(error: unknown): void {
  const notice = byId("notice");
  if (error instanceof ApiFailure && error.status === 401) {
    notice.replaceChildren(keyForm());
    return;
  }
  const message = error instanceof Error ? error.message : String(error);
  const close = element("button", { type: "button", class: "quiet" }, "Close");
  close.addEventListener("click", () => notice.replaceChildren());
  notice.replaceChildren(element("div", { class: "alert" }, element("span", {}, message), close));
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
