import { api } from "../api.ts";
import type { PageFacts } from "../facts.ts";
import { messageOf, reportFailure, reportProblems } from "../notice.ts";
import { bytesText, countText } from "../numbers.ts";
import { fileArea } from "./file-area.ts";

/** A place for files, by a button or dropped. */
export function uploadArea(
  { maxBodyBytes }: PageFacts,
  onChange: () => void,
): { readonly root: HTMLElement; refresh(): void } {
  const area = fileArea({
    label: "Files",
    button: "Add files",
    hint: "Markdown, text, HTML or PDF; or drop them here.",
    accept: ".md,.markdown,.txt,.text,.rst,.adoc,.html,.htm,.xhtml,.pdf",
    onFiles: (files) => void send(files),
  });
  const refresh = () => {
    api.count().then((count) => {
      area.say(`${countText(count, "passage", "passages")} in the index`);
    }, reportFailure);
  };
  const send = async (files: readonly File[]) => {
    const problems: string[] = [];
    for (const [number, file] of files.entries()) {
      area.say(`Reading ${file.name} (${number + 1} of ${files.length})`);
      try {
        checkSize(file, maxBodyBytes);
        await api.upload(file);
      } catch (error) {
        problems.push(`${file.name}: ${messageOf(error)}`);
      }
    }
    reportProblems(problems);
    refresh();
    onChange();
  };
  return { root: area.root, refresh };
}

/** @throws Error for a file that is larger than the server takes */
export function checkSize({ size }: File, most: number): void {
  if (size <= most) return;
  throw new Error(
    `The file has ${bytesText(size)}, and the server takes ${bytesText(most)}; see --max-body.`,
  );
}
