import { byId, element } from "./dom.ts";

const storageName = "sparse-encoder-theme";
const themes = ["system", "light", "dark"] as const;
type Theme = (typeof themes)[number];

/** The button that goes through the themes. */
export function startTheme(): void {
  const button = byId("theme");
  let theme: Theme = themes.find((name) => name === localStorage.getItem(storageName)) ?? "system";
  const apply = () => {
    if (theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    const [sign, name] = { system: ["◐", "auto"], light: ["○", "light"], dark: ["●", "dark"] }[theme] as [
      string,
      string,
    ];
    button.replaceChildren(
      element("span", { "aria-hidden": "true" }, `${sign} `),
      element("span", { class: "hidden" }, "Colours: "),
      name,
    );
  };
  button.addEventListener("click", () => {
    theme = themes[(themes.indexOf(theme) + 1) % themes.length]!;
    localStorage.setItem(storageName, theme);
    apply();
  });
  apply();
}
