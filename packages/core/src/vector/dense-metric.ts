/** How dense vectors are compared. Scores are such that larger is closer: `euclidean` is the negated distance. */
export type DenseMetric = "cosine" | "dot" | "euclidean";
