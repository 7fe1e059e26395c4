/** Options of other libraries that have no counterpart here, and what to do instead. */
interface AbsentOption {
  /** Written small and without `_` and `-`. */
  readonly names: readonly string[];
  /** Whether the answer fits a call with these valid options. */
  readonly when: (call: string, valid: readonly string[]) => boolean;
  readonly answer: string;
}

const always = () => true;
const loads = (_: string, valid: readonly string[]) => valid.includes("dtype");
const encodes = (_: string, valid: readonly string[]) =>
  valid.includes("pool") || valid.includes("promptName");
const finds = (_: string, valid: readonly string[]) => valid.includes("filter") || valid.includes("k");

export const absentOptions: readonly AbsentOption[] = [
  {
    names: [
      "model",
      "modelname",
      "modelid",
      "modelnameorpath",
      "modelpath",
      "repoid",
      "repo",
      "name",
      "path",
    ],
    when: loads,
    answer: 'The model is the first argument: load("naver/splade-v3", { … }).',
  },
  {
    names: ["path", "folder", "directory", "dir", "persistdirectory", "persistdir"],
    when: (call) => call === "MemoryStore",
    answer: "A store that is kept in a folder is opened by MemoryStore.open(folder).",
  },
  {
    names: ["trustremotecode"],
    when: loads,
    answer: "No code of a model is run, so there is nothing to trust.",
  },
  {
    names: ["backend", "library", "framework"],
    when: loads,
    answer: "Every model runs on ONNX Runtime.",
  },
  {
    names: [
      "modelkwargs",
      "tokenizerkwargs",
      "configkwargs",
      "processorkwargs",
      "sessionoptions",
      "kwargs",
      "searchkwargs",
      "searchparams",
    ],
    when: always,
    answer: "What belongs into it is an option of its own.",
  },
  {
    names: ["converttotensor", "converttonumpy", "converttosparsetensor", "savetocpu", "returntensors"],
    when: encodes,
    answer: "Vectors are typed arrays in the memory of the process; leave it out.",
  },
  {
    names: ["outputvalue"],
    when: encodes,
    answer: "Vectors of single tokens are not given.",
  },
  {
    names: ["precision", "dtype", "quantized"],
    when: encodes,
    answer: "The number format is the option dtype of load.",
  },
  {
    names: ["normalize", "normalizeembeddings"],
    when: encodes,
    answer: 'Sparse vectors keep their lengths; similarity: "cosine" at load compares them without.',
  },
  { names: ["pooling"], when: encodes, answer: "The model names its own pooling." },
  {
    names: ["truncation", "padding", "truncate", "maxlength", "maxseqlength"],
    when: encodes,
    answer: "Texts are padded by themselves and cut to maxSeqLength, an option of load.",
  },
  {
    names: ["parallel", "numworkers", "numprocesses"],
    when: encodes,
    answer: 'Several workers are a list of devices: device: ["cpu", "cpu"].',
  },
  {
    names: [
      "includemetadata",
      "includevalues",
      "include",
      "withpayload",
      "withvectors",
      "withvector",
      "outputfields",
      "returnproperties",
      "source",
    ],
    when: finds,
    answer: "What is found has its text and metadata.",
  },
  {
    names: ["namespace", "tenant", "partition"],
    when: finds,
    answer: "A namespace is a store of its own, or a field of the metadata that filter asks for.",
  },
  {
    names: ["offset", "skip", "page", "from", "cursor", "start"],
    when: finds,
    answer: "Ask for more with k, and leave the first ones out.",
  },
  {
    names: ["searchtype"],
    when: finds,
    answer: "Diversity is the option mmr, a least score is minScore.",
  },
  {
    names: ["ef", "efsearch", "hnswef", "nprobe", "exact"],
    when: finds,
    answer: "How an engine searches is set when its store is opened.",
  },
];
