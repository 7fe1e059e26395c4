/** Names that other libraries give to what options here are called, written small and without `_` and `-`. */
const neighbours: Readonly<Record<string, readonly string[]>> = {
  k: ["topK"],
  topk: ["k"],
  topn: ["k", "topK"],
  limit: ["k", "topK"],
  nresults: ["k", "topK"],
  similaritytopk: ["k"],
  scorethreshold: ["minScore"],
  where: ["filter"],
  filters: ["filter"],
  cachefolder: ["cacheDir"],
  cachepath: ["cacheDir"],
  tokenname: ["token"],
  useauthtoken: ["token"],
  showprogressbar: ["onProgress"],
  showdownloadprogress: ["onProgress"],
  progresscallback: ["onProgress"],
  similarityfnname: ["similarity"],
  modelfilename: ["fileName"],
  modelfile: ["fileName"],
  quantized: ["dtype"],
  maxlength: ["maxSeqLength"],
  targetdevices: ["device"],
  normalizeembeddings: ["normalize"],
  truncatedimension: ["truncateDim"],
  documents: ["texts"],
  collectionname: ["collection"],
  indexname: ["index"],
  tablename: ["table"],
};

/**
 * The valid name that a caller most likely meant: the same word written otherwise (`max_active_dims`), or what another library
 * calls it. Undefined if none is likely.
 */
export function meantName(name: string, valid: readonly string[]): string | undefined {
  const plain = plainName(name);
  const candidates = Object.hasOwn(neighbours, plain) ? neighbours[plain]! : [];
  return (
    valid.find((candidate) => plainName(candidate) === plain) ??
    candidates.find((candidate) => valid.includes(candidate))
  );
}

/** ` Did you mean x?`, or nothing. */
export function didYouMean(meant: string | undefined): string {
  return meant === undefined ? "" : ` Did you mean ${meant}?`;
}

function plainName(name: string): string {
  return name.replaceAll(/[_-]/g, "").toLowerCase();
}
