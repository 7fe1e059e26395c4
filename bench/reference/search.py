"""Speed and recall of scipy and Seismic over the vectors that bench/search.ts wrote, in one thread.

usage: search.py FOLDER TOP_K. The last line of its output is JSON: figures by name.
"""
import os

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS"), "1"))
import json
import sys
import time

import numpy as np
import scipy.sparse
import seismic

FOLDER, TOP_K = sys.argv[1], int(sys.argv[2])
LEAST_SECONDS, LEAST_ROUNDS = 2, 2


def read(name, dtype):
    return np.fromfile(os.path.join(FOLDER, name), dtype)


def matrix(name):
    offsets = read(f"{name}.offsets", np.float64).astype(np.int64)
    indices = read(f"{name}.indices", np.uint32).astype(np.int32)
    rows = scipy.sparse.csr_matrix(
        (read(f"{name}.values", np.float32), indices, offsets), shape=(len(offsets) - 1, DIMENSION)
    )
    return rows


def best(scores):
    if len(scores) <= TOP_K:
        return np.argsort(-scores)
    found = np.argpartition(scores, len(scores) - TOP_K)[len(scores) - TOP_K :]
    return found[np.argsort(-scores[found])]


def measure(search):
    """A round to warm up, then some; each query on its own. `search` gives the numbers of the documents."""
    hits = [search(query) for query in range(len(queries))]
    recall = [len(set(map(int, found)) & wanted) / len(wanted) for found, wanted in zip(hits, exact)]
    per_second, times = [], []
    started = time.perf_counter()
    while len(per_second) < LEAST_ROUNDS or time.perf_counter() - started < LEAST_SECONDS:
        times_before = len(times)
        for query in range(len(queries)):
            at = time.perf_counter()
            search(query)
            times.append(time.perf_counter() - at)
        per_second.append(len(queries) / sum(times[times_before:]))
    return {
        "queries per second, median": round(float(np.median(per_second))),
        "one query, p50 ms": round(1000 * float(np.quantile(times, 0.5)), 3),
        "one query, p99 ms": round(1000 * float(np.quantile(times, 0.99)), 3),
        f"recall@{TOP_K}": round(float(np.mean(recall)), 4),
    }


DIMENSION = int(read("dimension", np.float64)[0])
documents = matrix("documents")
query_rows = matrix("queries")
exact = [set(map(int, row)) for row in read("exact", np.uint32).reshape(-1, TOP_K)]
queries = [
    (query_rows.indices[start:end], query_rows.data[start:end])
    for start, end in zip(query_rows.indptr[:-1], query_rows.indptr[1:])
]
figures = {}


def times_dense_query(query):
    terms, weights = queries[query]
    dense = np.zeros(DIMENSION, np.float32)
    dense[terms] = weights
    return best(documents @ dense)


figures["scipy, documents (CSR) times query"] = measure(times_dense_query)

inverted = documents.T.tocsr()


def times_inverted(query):
    terms, weights = queries[query]
    row = scipy.sparse.csr_matrix((weights, terms, [0, len(terms)]), shape=(1, DIMENSION)) @ inverted
    return row.indices[best(row.data)]


figures["scipy, sparse query times inverted documents"] = measure(times_inverted)
del inverted

text = seismic.get_seismic_string()
names = np.array([f"t{term}" for term in range(DIMENSION)], dtype=text)
dataset = seismic.SeismicDataset()
for row, (start, end) in enumerate(zip(documents.indptr[:-1], documents.indptr[1:])):
    dataset.add_document(str(row), names[documents.indices[start:end]], documents.data[start:end])
started = time.perf_counter()
index = seismic.SeismicIndex.build_from_dataset(dataset, num_threads=1)
build_seconds = round(time.perf_counter() - started, 1)
named = [(names[terms], weights) for terms, weights in queries]
for query_cut, heap_factor in ((5, 0.9), (10, 0.8), (20, 0.7), (100, 0.5)):

    def approximate(query):
        terms, weights = named[query]
        hits = index.search(str(query), terms, weights, k=TOP_K, query_cut=query_cut, heap_factor=heap_factor)
        return [document for _, _, document in hits]

    label = f"Seismic, query_cut {query_cut}, heap_factor {heap_factor}"
    figures[label] = measure(approximate) | {"build, s": build_seconds}
print(json.dumps(figures))
