import { vectorStoreCases } from "../langchain/vector-store-cases.ts";
import { milvus } from "./milvus-kind.ts";

vectorStoreCases(milvus);
