/** The modules that the reference describes, after `@sparse-encoder/`. */
export const modules = ["core", "core/stores", "core/evaluation", "core/testing", "langchain", "llamaindex"];

/** The folders of a module's pages, as TypeDoc names them, in the order in which people look for them. */
export const kinds = [
  { folder: "classes", title: "Classes" },
  { folder: "functions", title: "Functions" },
  { folder: "interfaces", title: "Interfaces" },
  { folder: "type-aliases", title: "Types" },
  { folder: "variables", title: "Constants" },
];
