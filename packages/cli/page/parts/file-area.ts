import { element, freshId } from "../dom.ts";

/** What a {@link fileArea} takes and says. */
export interface FileAreaOptions {
  /** Name of the region. */
  readonly label: string;
  readonly button: string;
  readonly hint: string;
  /** Endings of files that a dialog offers. */
  readonly accept: string;
  onFiles(files: readonly File[]): void;
}

/** A place for files, by a button or dropped, with a line that says what became of them. */
export function fileArea({ label, button, hint, accept, onFiles }: FileAreaOptions): {
  readonly root: HTMLElement;
  say(text: string): void;
} {
  const id = freshId();
  const input = element("input", { id, type: "file", multiple: true, accept, class: "hidden" });
  const status = element("p", { class: "muted", role: "status" });
  const root = element(
    "section",
    { class: "upload", "aria-label": label },
    // Before its label, whose outline shows that it has the focus.
    input,
    element("label", { for: id, class: "button" }, button),
    element("p", { class: "muted" }, hint),
    status,
  );
  input.addEventListener("change", () => {
    onFiles([...(input.files ?? [])]);
    input.value = "";
  });
  root.addEventListener("dragover", (event) => {
    event.preventDefault();
    root.classList.add("over");
  });
  root.addEventListener("dragleave", () => root.classList.remove("over"));
  root.addEventListener("drop", (event) => {
    event.preventDefault();
    root.classList.remove("over");
    onFiles([...(event.dataTransfer?.files ?? [])]);
  });
  return {
    root,
    say: (text) => {
      status.textContent = text;
    },
  };
}
