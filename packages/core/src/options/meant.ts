import { absentOptions } from "./absent-options.ts";

/** Names that other libraries give to what options here are called, written small and without `_` and `-`. */
const neighbours: Readonly<Record<string, readonly string[]>> = {
  ...named(
    ["k", "topK"],
    "limit",
    "topn",
    "nresults",
    "numresults",
    "maxresults",
    "size",
    "pagesize",
    "perpage",
    "count",
    "n",
  ),
  k: ["topK"],
  topk: ["k"],
  similaritytopk: ["k"],
  rankconstant: ["k"],
  ...named(
    ["minScore"],
    "scorethreshold",
    "similaritythreshold",
    "similaritycutoff",
    "threshold",
    "cutoff",
    "minsimilarity",
  ),
  ...named(
    ["filter"],
    "where",
    "filters",
    "expr",
    "queryfilter",
    "prefilter",
    "metadatafilter",
    "metadatafilters",
    "wheredocument",
  ),
  ...named(["mmr"], "fetchk", "lambda", "lambdamult", "mmrthreshold", "diversity"),
  ...named(["rerank"], "reranker", "rankfunction", "basecompressor", "crossencoder"),
  ...named(["rerankK"], "reranktopn", "reranktopk"),
  ...named(["weights", "alpha"], "weight", "denseweight", "sparseweight", "fusionweights"),
  ...named(["fusion"], "fusionmethod", "fusiontype", "fusionalgorithm", "mode"),
  ...named(
    ["arms"],
    "retrievers",
    "retriever",
    "encoder",
    "encoders",
    "embeddings",
    "store",
    "stores",
    "vectorstore",
    "numcandidates",
    "prefetch",
  ),
  ...named(["cacheDir"], "cachefolder", "cachepath"),
  ...named(
    ["token"],
    "tokenname",
    "useauthtoken",
    "accesstoken",
    "hftoken",
    "hubtoken",
    "authtoken",
    "apikey",
  ),
  ...named(["revision"], "branch", "tag", "commit", "commithash"),
  ...named(["localFilesOnly"], "offline", "localonly", "allowremotemodels"),
  ...named(["endpoint"], "baseurl", "hfendpoint", "remotehost"),
  ...named(
    ["onProgress"],
    "showprogressbar",
    "showdownloadprogress",
    "showprogress",
    "progresscallback",
    "progress",
    "tqdm",
  ),
  ...named(["similarity"], "similarityfnname", "similarityfunction", "scorefunction", "metric", "distance"),
  ...named(["fileName"], "modelfilename", "modelfile", "onnxfile", "subfolder"),
  ...named(["dtype"], "quantized", "torchdtype", "precision", "quantization", "loadin8bit"),
  ...named(["device"], "targetdevices", "devices", "providers", "executionproviders", "provider"),
  ...named(["workers", "device"], "parallel", "numworkers", "numprocesses"),
  ...named(["threads"], "numthreads", "intraopnumthreads", "nthreads"),
  ...named(["maxSeqLength", "maxTokens"], "maxlength", "maxseqlen", "modelmaxlength"),
  ...named(["maxTokens"], "chunksize", "maxchunksize"),
  ...named(["overlap"], "chunkoverlap"),
  ...named(["prompt"], "instruction", "queryinstruction"),
  ...named(["promptName"], "task", "tasktype", "inputtype"),
  ...named(["normalize"], "normalizeembeddings"),
  ...named(["truncateDim"], "truncatedimension", "dimensions"),
  ...named(["texts"], "documents"),
  ...named(["collection"], "collectionname"),
  ...named(["index"], "indexname"),
  ...named(["table"], "tablename"),
  ...named(["schema"], "schemaname"),
  ...named(["tls"], "ssl", "https"),
  ...named(["client"], "pool", "connection"),
  ...named(["auth", "token"], "username", "password", "user"),
  ...named(
    ["url", "address"],
    "host",
    "port",
    "node",
    "nodes",
    "uri",
    "endpointurl",
    "connectionstring",
    "connectionuri",
    "postgresconnectionoptions",
    "clienturl",
    "clientparams",
    "address",
    "url",
    "dsn",
  ),
  ...named(["language"], "lang", "locale"),
  ...named(["stemming"], "stemmer"),
  ...named(["analyzer"], "tokenizer"),
  ...named(["signal"], "abortsignal", "aborthandle"),
  ...named(["timeout"], "timeoutms", "requesttimeout"),
  ...named(["retries"], "maxretries"),
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

/**
 * The answer to an option that does not exist: the name that was meant, or how what it does elsewhere is done here. Begins with a
 * blank; nothing if neither is known.
 */
export function optionHint(call: string, name: string, valid: readonly string[]): string {
  const meant = meantName(name, valid);
  if (meant !== undefined) return didYouMean(meant);
  const plain = plainName(name);
  const found = absentOptions.find(({ names, when }) => names.includes(plain) && when(call, valid));
  return found === undefined ? "" : ` ${found.answer}`;
}

function plainName(name: string): string {
  return name.replaceAll(/[_-]/g, "").toLowerCase();
}

function named(
  options: readonly string[],
  ...names: readonly string[]
): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(names.map((name) => [name, options]));
}
