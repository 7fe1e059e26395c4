/** Name of the model that the library has with it, where a name is needed. */
export const embeddedModel = "splade-tiny";
