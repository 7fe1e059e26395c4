export { ndcg } from "./ndcg.ts";
