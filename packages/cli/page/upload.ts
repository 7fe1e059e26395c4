import { api } from "./api.ts";
import { element, freshId } from "./dom.ts";
import { reportFailure } from "./notice.ts";
import { countText } from "./numbers.ts";

/** A place for files, by a button or dropped. */
export function uploadArea(onChange: () => void): { readonly root: HTMLElement; refresh(): void } {
  const id = freshId();
  const input = element("input", {
    id,
    type: "file",
    multiple: true,
    accept: ".md,.txt,.html,.htm,.pdf,.rst",
    class: "hidden",
  });
  const status = element("p", { class: "muted", role: "status" });
  const root = element(
    "section",
    { class: "upload", "aria-label": "Files" },
    element("label", { for: id, class: "button" }, "Add files"),
    input,
    element("p", { class: "muted" }, "Markdown, text, HTML or PDF; or drop them here."),
    status,
  );
  const refresh = () => {
    api.count().then((count) => {
      status.textContent = `${countText(count, "passage", "passages")} in the index`;
    }, reportFailure);
  };
  const send = async (files: readonly File[]) => {
    for (const [number, file] of files.entries()) {
      status.textContent = `Reading ${file.name} (${number + 1} of ${files.length})`;
      await api.upload(file).catch(reportFailure);
    }
    refresh();
    onChange();
  };
  input.addEventListener("change", () => {
    void send([...(input.files ?? [])]);
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
    void send([...(event.dataTransfer?.files ?? [])]);
  });
  return { root, refresh };
}
