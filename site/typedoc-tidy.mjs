// A plugin of TypeDoc: leaves out where a member was inherited from. The base classes are not exported, and have no pages.
import { MarkdownPageEvent } from "typedoc-plugin-markdown";

export function load(app) {
  app.renderer.on(MarkdownPageEvent.END, (page) => {
    page.contents = page.contents?.replace(
      /^#+ (?:Inherited from|Overrides|Implementation of)\n\n(?:.+\n)+\n?/gm,
      "",
    );
  });
}
