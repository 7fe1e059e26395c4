export { didYouMean } from "./meant.ts";
export { answerNeighbours } from "./neighbour-methods.ts";
export {
  type CheckedOptions,
  checkOptionNames,
  type Defined,
  declareOptions,
  defined,
  type OptionRules,
  type OptionsDeclaration,
  positiveInteger,
} from "./options.ts";
export {
  abortSignal,
  callback,
  count,
  flag,
  number,
  oneOf,
  type Rule,
  rule,
  text,
  unchecked,
} from "./rule.ts";
