import { ingestionCases } from "../llamaindex/ingestion-cases.ts";
import { hybridVectorStoreCases } from "../llamaindex/store-cases.ts";
import { milvus } from "./milvus-kind.ts";

hybridVectorStoreCases(milvus);
ingestionCases(milvus);
