// A plugin of TypeDoc for what its options do not say.
import { Converter, ReflectionKind } from "typedoc";
import { MarkdownPageEvent } from "typedoc-plugin-markdown";

/** The parts of engines' clients that stores use. Their members are named and described by the clients. */
const clients = [
  "ElasticsearchConnection",
  "MilvusConnection",
  "OpenSearchConnection",
  "PgliteClient",
  "PostgresPool",
  "QdrantConnection",
];

export function load(app) {
  app.converter.on(Converter.EVENT_END, ({ project }) => {
    const ours = app.options.getValue("packagesRequiringDocumentation");
    const names = project
      .getReflectionsByKind(checkedKinds)
      .filter((member) => isDescribedElsewhere(member) && !isDocumented(member))
      .filter((member) => ours.includes(project.getSymbolIdFromReflection(member)?.packageName))
      .map((member) => member.getFriendlyFullName());
    app.options.setValue("intentionallyNotDocumented", [...new Set(names)]);
  });
  // The base classes that members are inherited from are not exported, and have no pages.
  app.renderer.on(MarkdownPageEvent.END, (page) => {
    page.contents = page.contents?.replace(
      /^#+ (?:Inherited from|Overrides|Implementation of)\n\n(?:.+\n)+\n?/gm,
      "",
    );
  });
}

/** The comment of a method may stand with the method or with its signature. */
function isDocumented(member) {
  return member.hasComment() || (member.kindOf(ReflectionKind.CallSignature) && member.parent.hasComment());
}

/** Members that TypeDoc wants a comment for. Functions are looked at by their signatures. */
const checkedKinds = ReflectionKind.Property | ReflectionKind.CallSignature;

/**
 * Whether a member belongs to a type literal, which its owner's comment describes, or to a client. TypeDoc itself passes over what
 * belongs to a parameter, and over signatures of function types.
 */
function isDescribedElsewhere(member) {
  if (member.kindOf(ReflectionKind.CallSignature) && member.parent.kindOf(ReflectionKind.TypeLiteral))
    return false;
  let found = false;
  for (let owner = member.parent; owner !== undefined; owner = owner.parent) {
    if (owner.kindOf(ReflectionKind.Parameter)) return false;
    found ||= owner.kindOf(ReflectionKind.TypeLiteral) || clients.includes(owner.name);
  }
  return found;
}
