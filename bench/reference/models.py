"""Models with PyTorch for bench/models: a JSON request a line in, a JSON answer a line out.

    models.py reranker|m3|decoder|dense MODEL_FOLDER THREADS
    models.py lexical-layer MODEL_FOLDER      writes a random sparse_linear.pt

reranker is CrossEncoder of sentence-transformers; the others are models of transformers (attention: sdpa) with the steps behind them: those
of FlagEmbedding 1.3.5 for m3 (not FlagEmbedding itself), SPLADE pooling for the decoder, mean or first token for dense.
"""
import json, platform, resource, sys, time
from collections import defaultdict
from pathlib import Path

import torch

kind, folder = sys.argv[1], sys.argv[2]
if kind == "lexical-layer":
    width = json.loads((Path(folder) / "config.json").read_text())["hidden_size"]
    torch.manual_seed(0)
    torch.save({"weight": torch.randn(1, width) * 0.02, "bias": torch.zeros(1)}, Path(folder) / "sparse_linear.pt")
    sys.exit()

import sentence_transformers, transformers as T

T.logging.set_verbosity_error()
torch.set_num_threads(int(sys.argv[3]))
torch.set_num_interop_threads(1)


def tokenizer(pad):
    config = json.loads((Path(folder) / "tokenizer_config.json").read_text())
    named = {key: config.get(key) or pad for key in ("pad_token", "cls_token", "sep_token", "eos_token", "unk_token")}
    return T.PreTrainedTokenizerFast(tokenizer_file=f"{folder}/tokenizer.json", **named)


class Reranker:
    def __init__(self):
        self.model = sentence_transformers.CrossEncoder(folder, device="cpu")

    def run(self, request):
        scores = self.model.predict(request["texts"], batch_size=32, show_progress_bar=False)
        return scores[:8].tolist()


class M3:
    """Sorted by length, padded per batch, as encode_single_device of FlagEmbedding; weights per token id as _process_token_weights."""

    def __init__(self):
        self.tokenizer = tokenizer("<pad>")
        self.model = T.AutoModel.from_pretrained(folder, dtype=torch.float32, add_pooling_layer=False).eval()
        layer = torch.load(f"{folder}/sparse_linear.pt")
        self.linear = torch.nn.Linear(layer["weight"].shape[1], 1)
        self.linear.load_state_dict(layer)
        self.unused = {self.tokenizer.convert_tokens_to_ids(t) for t in ("<s>", "</s>", "<pad>", "<unk>")}

    def run(self, request):
        output, size = request["output"], 32
        rows = self.tokenizer(request["texts"], truncation=True, max_length=8192)["input_ids"]
        order = sorted(range(len(rows)), key=lambda n: -len(rows[n]))
        found = {}
        for start in range(0, len(order), size):
            chosen = order[start : start + size]
            batch = self.tokenizer.pad({"input_ids": [rows[n] for n in chosen]}, return_tensors="pt")
            states = self.model(**batch).last_hidden_state
            if output != "sparse":
                dense = torch.nn.functional.normalize(states[:, 0], dim=-1).numpy()
            if output != "dense":
                weights = torch.relu(self.linear(states)).squeeze(-1).numpy()
            for place, n in enumerate(chosen):
                largest = defaultdict(int)
                if output != "dense":
                    for weight, id in zip(weights[place], rows[n]):
                        if id not in self.unused and weight > largest[id]: largest[id] = weight
                found[n] = (dense[place] if output != "sparse" else None, largest)
        dense, largest = found[0]
        return [] if dense is None else [float(value) for value in dense[:8]]


class Decoder:
    def __init__(self):
        self.tokenizer = T.PreTrainedTokenizerFast(tokenizer_file=f"{folder}/tokenizer.json")
        self.tokenizer.add_special_tokens({"pad_token": "a"})
        self.model = T.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
        # Without padding the mask of a model that attends to both sides is left out, and sdpa then asks the layers.
        for layer in self.model.modules():
            if hasattr(layer, "is_causal"): layer.is_causal = getattr(self.model.config, "is_causal", True)

    def run(self, request):
        texts, size, rows = request["texts"], 8, []
        for start in range(0, len(texts), size):
            batch = self.tokenizer(texts[start : start + size], padding=True, return_tensors="pt", return_token_type_ids=False)
            scores = torch.relu(self.model(**batch).logits) * batch["attention_mask"].unsqueeze(-1)
            rows.append(torch.log1p(scores).amax(1))
        return rows[0][0].topk(8).values.tolist()


class Dense:
    def __init__(self):
        self.tokenizer = tokenizer("[PAD]")
        self.model = T.AutoModel.from_pretrained(folder, dtype=torch.float32).eval()
        self.first = "mean_tokens" not in (Path(folder) / "1_Pooling/config.json").read_text()

    def run(self, request):
        batch = self.tokenizer(request["texts"], truncation=True, max_length=request["tokens"], padding=True,
                               return_tensors="pt", return_token_type_ids=False)
        states = self.model(**batch).last_hidden_state
        mask = batch["attention_mask"].unsqueeze(-1)
        pooled = states[:, 0] if self.first else (states * mask).sum(1) / mask.sum(1)
        return torch.nn.functional.normalize(pooled, dim=-1)[0, :8].tolist()


def answer(value):
    print(json.dumps(value), flush=True)


started = time.perf_counter()
model = {"reranker": Reranker, "m3": M3, "decoder": Decoder, "dense": Dense}[kind]()
versions = {"python": platform.python_version(), "torch": torch.__version__, "transformers": T.__version__,
            "sentence-transformers": sentence_transformers.__version__}
answer({"loadSeconds": time.perf_counter() - started, "versions": versions})
for line in sys.stdin:
    request = json.loads(line)
    started, used = time.perf_counter(), time.process_time()
    with torch.inference_mode():
        sample = model.run(request)
    # Kilobytes on Linux.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    answer({"seconds": time.perf_counter() - started, "cpuSeconds": time.process_time() - used, "peakRss": peak, "sample": sample})
