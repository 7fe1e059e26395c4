"""Encodes texts with sentence-transformers for bench/encode.ts: a JSON request a line in, a JSON answer a line out.

Usage: serve.py MODEL_FOLDER THREADS
"""

import json
import platform
import resource
import sys
import time

import sentence_transformers
import torch
from sentence_transformers import SparseEncoder

folder, threads = sys.argv[1], int(sys.argv[2])
torch.set_num_threads(threads)
torch.set_num_interop_threads(1)
model = SparseEncoder(folder, device="cpu")


def answer(value):
    print(json.dumps(value), flush=True)


answer(
    {
        "versions": {
            "python": platform.python_version(),
            "sentence-transformers": sentence_transformers.__version__,
            "torch": torch.__version__,
        }
    }
)
for line in sys.stdin:
    request = json.loads(line)
    started = time.perf_counter()
    embeddings = model.encode(request["texts"], batch_size=32, show_progress_bar=False)
    seconds = time.perf_counter() - started
    rows = []
    if request.get("rows"):
        dense = embeddings.to_dense()
        for row in dense:
            indices = row.nonzero().flatten()
            rows.append({"indices": indices.tolist(), "values": row[indices].tolist()})
    # Kilobytes on Linux.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    answer({"seconds": seconds, "peakRss": peak, "rows": rows})
