import type { ApiRoute } from "./api-route.ts";
import {
  addDocumentsRoute,
  deleteDocumentsRoute,
  getDocumentRoute,
  listDocumentsRoute,
} from "./document-routes.ts";
import { embedRoute, embedSparseRoute, openAiRoute, rootRoute, similarityRoute } from "./embed-routes.ts";
import { explainRoute } from "./explain-route.ts";
import { evaluateRoute, judgedQueriesRoute, putJudgementsRoute } from "./judgement-routes.ts";
import { rerankRoute } from "./rerank-route.ts";
import { searchRoute } from "./search-route.ts";
import { healthRoute, infoRoute, readyRoute, vocabularyRoute } from "./status-routes.ts";

/** All routes with JSON answers. */
export const apiRoutes: readonly ApiRoute[] = [
  embedSparseRoute,
  embedRoute,
  openAiRoute,
  similarityRoute,
  rootRoute,
  rerankRoute,
  infoRoute,
  vocabularyRoute,
  searchRoute,
  explainRoute,
  addDocumentsRoute,
  deleteDocumentsRoute,
  listDocumentsRoute,
  getDocumentRoute,
  judgedQueriesRoute,
  putJudgementsRoute,
  evaluateRoute,
  healthRoute,
  readyRoute,
];
