"""sentence-transformers on the same texts. Usage: reference.py TEXTS.json MODEL DTYPE BATCH_SIZES COUNT; prints one line of JSON."""
import json
import sys
import time

import sentence_transformers
import torch
from sentence_transformers import SparseEncoder

texts_file, model, dtype, sizes, count = sys.argv[1:6]
texts = json.load(open(texts_file))[: int(count)]
started = time.perf_counter()
encoder = SparseEncoder(model, device="cuda", model_kwargs={"torch_dtype": getattr(torch, dtype)})
loading = time.perf_counter() - started


def timed(run):
    torch.cuda.synchronize()
    begun = time.perf_counter()
    run()
    torch.cuda.synchronize()
    return time.perf_counter() - begun


rates = {}
for size in map(int, sizes.split(",")):
    encoder.encode(texts[: 2 * size], batch_size=size, show_progress_bar=False)
    runs = [timed(lambda: encoder.encode(texts, batch_size=size, show_progress_bar=False)) for _ in range(2)]
    rates[size] = round(len(texts) / min(runs))
waits = sorted(timed(lambda: encoder.encode_query("heat transfer to a blunt body in supersonic flow")) for _ in range(60))
print(
    json.dumps(
        {
            "sentence-transformers": sentence_transformers.__version__,
            "torch": torch.__version__,
            "card": torch.cuda.get_device_name(0),
            "allow_tf32": torch.backends.cuda.matmul.allow_tf32,
            "texts/s": rates,
            "query, ms": round(waits[30] * 1000, 2),
            "load, ms": round(loading * 1000),
        }
    )
)
