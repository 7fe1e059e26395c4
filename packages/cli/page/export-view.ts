import { byId, element } from "./dom.ts";
import type { View } from "./view.ts";

/** What a saved view cannot do. */
const controls = "button, .upload, .sisters, .run";

/** Saves the view that is shown as one HTML file without scripts, which needs no server. */
export async function exportView({ name, title }: View): Promise<void> {
  const styles = await styleSheet();
  const { theme } = document.documentElement.dataset;
  // As text: the policy of this page would let no element carry styles.
  const html = `<!doctype html>
<html lang="en"${theme === undefined ? "" : ` data-theme="${theme === "dark" ? "dark" : "light"}"`}>
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} – sparse-encoder</title>
<style>${styles}</style>
</head>
<body>${frozenContent().outerHTML}${foot().outerHTML}</body>
</html>
`;
  const url = URL.createObjectURL(new Blob([html], { type: "text/html" }));
  const link = element("a", { href: url, download: `sparse-encoder-${name}.html` });
  link.click();
  URL.revokeObjectURL(url);
}

/** The styles of the page; as the browser read them where the server does not answer any more. */
async function styleSheet(): Promise<string> {
  try {
    const answer = await fetch("/page.css");
    if (answer.ok) return await answer.text();
  } catch {
    // The sheets of the page have the same rules.
  }
  const rules = [...document.styleSheets].flatMap((sheet) => [...sheet.cssRules]);
  return rules.map(({ cssText }) => cssText).join("\n");
}

/** A copy of the view in which nothing can be used, and all rows are shown. */
function frozenContent(): HTMLElement {
  const copy = byId("main").cloneNode(true) as HTMLElement;
  freezeFields(byId("main"), copy);
  for (const control of copy.querySelectorAll(controls)) control.remove();
  // Wide windows show no way to open these; the others stay as a person left them, and open without a script.
  for (const folded of copy.querySelectorAll<HTMLDetailsElement>("details.fold")) folded.open = true;
  for (const row of copy.querySelectorAll<HTMLElement>("[hidden]")) row.hidden = false;
  for (const link of copy.querySelectorAll("a"))
    link.replaceWith(element("span", {}, link.textContent ?? ""));
  for (const busy of copy.querySelectorAll("[aria-busy], [aria-live], [role=status]")) {
    for (const name of ["aria-busy", "aria-live", "role"]) busy.removeAttribute(name);
  }
  copy.removeAttribute("tabindex");
  return copy;
}

/** Models and version, and when the view was saved. */
function foot(): HTMLElement {
  const day = new Date().toLocaleDateString("en-GB", { day: "numeric", month: "long", year: "numeric" });
  return element(
    "footer",
    { id: "facts" },
    `${byId("facts").textContent} · saved from sparse-encoder on ${day}`,
  );
}

/** Form fields hold their values beside the markup; here the values become text. */
function freezeFields(from: HTMLElement, to: HTMLElement): void {
  const selector = "textarea, input, select";
  const fields = [
    ...from.querySelectorAll<HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement>(selector),
  ];
  for (const [number, field] of [...to.querySelectorAll<HTMLElement>(selector)].entries()) {
    const source = fields[number]!;
    if (field instanceof HTMLInputElement && field.type === "range") {
      field.remove();
      continue;
    }
    const text =
      source instanceof HTMLSelectElement ? (source.selectedOptions[0]?.textContent ?? "") : source.value;
    field.replaceWith(element("p", { class: "frozen", dir: "auto" }, text));
  }
  for (const list of to.querySelectorAll("datalist")) list.remove();
  for (const label of to.querySelectorAll("label, output")) {
    label.replaceWith(element("span", { class: "label" }, label.textContent ?? ""));
  }
}
