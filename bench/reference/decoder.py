"""The model and the texts of bench/decoder.ts with PyTorch and sentence-transformers' pooling: time to load, peak memory, texts per second.

    node --import tsx bench/decoder.ts texts > texts.json; python bench/reference/decoder.py texts.json
"""
import json, resource, sys, time
import torch, transformers as T

given = json.load(open(sys.argv[1]))
started = time.perf_counter()
tokenizer = T.PreTrainedTokenizerFast(tokenizer_file=given["folder"] + "/tokenizer.json")
tokenizer.add_special_tokens({"pad_token": "a"})
model = T.Qwen3ForCausalLM.from_pretrained(given["folder"], dtype=torch.float32).eval()
loaded = time.perf_counter()


def encode(texts):
    batch = tokenizer(texts, padding=True, return_tensors="pt", return_token_type_ids=False)
    with torch.inference_mode():
        logits = model(**batch).logits
        return torch.log1p(torch.relu(logits) * batch["attention_mask"].unsqueeze(-1)).amax(1)


encode(given["texts"][:1])
warm = time.perf_counter()
for start in range(0, len(given["texts"]), 8): encode(given["texts"][start : start + 8])
done = time.perf_counter()
print(json.dumps({"loadSeconds": loaded - started, "textsPerSecond": len(given["texts"]) / (done - warm),
                  "peakGigabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9, "threads": torch.get_num_threads()}))
