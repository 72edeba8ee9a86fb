"""Vectors of sentences as transformers and a few lines of torch compute them. Runs in workers only: it imports torch."""

from __future__ import annotations

from pathlib import Path

import torch
from transformers import AutoModel, AutoTokenizer


def vectors(order: tuple[Path, list[str]]) -> list[list[float]]:
    """A vector of length 1 for each text: the mean of its tokens' vectors."""
    checkpoint, texts = order
    tokenizer = AutoTokenizer.from_pretrained(checkpoint)
    model = AutoModel.from_pretrained(checkpoint).eval()
    batch = tokenizer(texts, padding=True, truncation=True, return_tensors="pt")
    with torch.inference_mode():
        hidden = model(**batch).last_hidden_state
    mask = batch["attention_mask"].unsqueeze(-1)
    means = (hidden * mask).sum(1) / mask.sum(1)
    return torch.nn.functional.normalize(means, dim=1).tolist()
