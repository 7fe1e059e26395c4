"""Exports a masked-LM folder to ONNX with whole logits, as model hubs offer them.

Usage: export.py MODEL_FOLDER FILE
"""

import sys

import torch
from transformers import AutoModelForMaskedLM

folder, file = sys.argv[1:]


class Logits(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.model = AutoModelForMaskedLM.from_pretrained(folder, attn_implementation="eager").eval()

    def forward(self, input_ids, attention_mask):
        return self.model(input_ids=input_ids, attention_mask=attention_mask).logits


ids = torch.ones(2, 8, dtype=torch.int64)
names = ["input_ids", "attention_mask"]
axes = {name: {0: "batch", 1: "length"} for name in [*names, "logits"]}
torch.onnx.export(
    Logits(), (ids, ids), file, input_names=names, output_names=["logits"], dynamic_axes=axes, dynamo=False
)
