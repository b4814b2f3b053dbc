"""Texts longer than a sentence model reads: in windows that overlap, whose vectors are averaged."""

from __future__ import annotations

from typing import Any

import numpy as np

from explorer.errors import InputError

SPECIAL = "special_tokens_mask"
KEPT = ("input_ids", "attention_mask", "token_type_ids")


def check(model: Any, name: str, overlap: int) -> None:
    """Raise InputError when this model's texts cannot be cut into windows that overlap so much."""
    length = getattr(model, "max_seq_length", None)
    if length is None or not getattr(model.tokenizer, "is_fast", False):
        raise InputError(f"long_texts=windows: the model {name!r} has no length or no tokenizer to cut by; take long_texts=cut")
    most = (length - model.tokenizer.num_special_tokens_to_add()) // 2
    if overlap > most:
        raise InputError(
            f"overlap={overlap}: windows of {length} tokens can overlap by {most} at most; take less, or a larger max_length"
        )


def embedded(model: Any, texts: list[str], overlap: int, batch_size: int) -> np.ndarray:
    """``(n, d)`` float32: the mean of a text's windows, each counted by its tokens; of a text that fits one window, its vector.

    Every text is tokenised once. The texts of a batch may have many windows: these are computed so many at once as well.
    """
    import torch

    cut, tokens, owner = _windows(model, texts, overlap)
    order = np.argsort([-len(window["input_ids"]) for window in cut], kind="stable")
    made: np.ndarray | None = None
    with torch.inference_mode():
        for start in range(0, len(order), batch_size):
            some = order[start : start + batch_size]
            padded = model.tokenizer.pad([cut[window] for window in some], return_tensors="pt")
            given = {key: value.to(model.device) for key, value in padded.items()}
            vectors = model(given)["sentence_embedding"].float().cpu().numpy()
            made = np.zeros((len(texts), vectors.shape[1]), np.float32) if made is None else made
            np.add.at(made, owner[some], vectors * tokens[some, None])
    assert made is not None  # every text has a window
    return made / np.bincount(owner, tokens, len(texts)).astype(np.float32)[:, None]


def _windows(model: Any, texts: list[str], overlap: int) -> tuple[list[dict[str, list[int]]], np.ndarray, np.ndarray]:
    """The windows of all texts, ``(w,)`` how many tokens of the text each has, ``(w,)`` whose it is."""
    prompt = (getattr(model, "prompts", None) or {}).get(getattr(model, "default_prompt_name", None) or "", "")
    read = model.tokenizer(
        [prompt + text for text in texts], truncation=True, max_length=model.max_seq_length, stride=overlap,
        return_overflowing_tokens=True, return_special_tokens_mask=True,
    )  # fmt: skip
    keys = [key for key in KEPT if key in read]
    cut = [{key: read[key][window] for key in keys} for window in range(len(read["input_ids"]))]
    tokens = np.array([max(1, len(mask) - sum(mask)) for mask in read[SPECIAL]], np.float32)
    return cut, tokens, np.asarray(read["overflow_to_sample_mapping"])
