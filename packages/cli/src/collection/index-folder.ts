/** The folder of an index where none is named. */
export const defaultIndexFolder = ".sparse-encoder";
