import { byId, element } from "./dom.ts";

/** Saves the view that is shown as one HTML file without scripts, which needs no server. */
export async function exportView(name: string): Promise<void> {
  const styles = await (await fetch("/page.css")).text();
  const copy = byId("main").cloneNode(true) as HTMLElement;
  freezeFields(byId("main"), copy);
  for (const control of copy.querySelectorAll("button, .upload")) control.remove();
  for (const opened of copy.querySelectorAll("details")) opened.open = true;
  const { theme } = document.documentElement.dataset;
  // As text: the policy of this page would let no element carry styles.
  const html = `<!doctype html>
<html lang="en"${theme === undefined ? "" : ` data-theme="${theme === "dark" ? "dark" : "light"}"`}>
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>sparse-encoder</title>
<style>${styles}</style>
</head>
<body>${copy.outerHTML}</body>
</html>
`;
  const url = URL.createObjectURL(new Blob([html], { type: "text/html" }));
  const link = element("a", { href: url, download: `sparse-encoder-${name}.html` });
  link.click();
  URL.revokeObjectURL(url);
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
    field.replaceWith(element("p", { class: "frozen" }, text));
  }
  for (const label of to.querySelectorAll("label")) label.removeAttribute("for");
}
