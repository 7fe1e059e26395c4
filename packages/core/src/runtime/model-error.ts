/** Says that the model itself is at fault, in a worker. The message is a sentence without its subject. */
export class ModelError extends Error {}
