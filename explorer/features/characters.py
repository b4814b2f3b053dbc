"""Names, codes and short strings to vectors by the pieces of letters they share: what differs by a typing error lies close."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import param

from explorer.dataset import Dataset
from explorer.features.base import ItemExtractor
from explorer.features.stream import Encoded, Encoder
from explorer.step import Progress

BUCKETS = 1 << 18  # pieces are told apart by a hash of so many values
PLACES = 8  # of a vector's numbers that each piece adds to
SAMPLE = 20_000  # texts from which is learned how common each piece is
BATCH = 512
ROUND = 2_000  # texts of the sample between two calls of progress


class Characters(ItemExtractor):
    """Which pieces of a few letters each name, code or short text has.

    Counts (logarithmic) of character n-grams within words (scikit-learn's ``char_wb``), hashed (Weinberger et al. 2009,
    arXiv:0902.2206) and brought to `n_components` numbers by a sparse random projection (Kane & Nelson 2014, arXiv:1012.1577).
    Nothing depends on the other texts, unless `rare_counts_more`.
    """

    method = "characters"
    needs = "text"
    packages = ("scikit-learn", "scipy")

    n_components = param.Integer(
        512, bounds=(16, 4096), softbounds=(64, 1024), doc="Numbers of each text; more keep the angles better."
    )
    ngram_min = param.Integer(1, bounds=(1, 8), precedence=1, doc="The shortest pieces, in letters.")
    ngram_max = param.Integer(
        3, bounds=(1, 8), precedence=1, doc="The longest pieces, in letters; as long as the shortest at least."
    )
    rare_counts_more = param.Boolean(
        False,
        precedence=1,
        doc="Pieces that few texts have count more (IDF): for endings that all share; typing errors then cost more.",
    )
    case = param.Selector(default="same", objects=["same", "differs"], precedence=1, doc="Whether A and a are the same letter.")

    @contextmanager
    def encoder(self, data: Dataset, progress: Progress) -> Iterator[Encoder]:
        """Counting and projection, ``(n, d)`` float32 of length 1; an empty text has no features."""
        counter = self._counter()
        weights = self._weights(data, counter, progress) if self.rare_counts_more else np.ones(BUCKETS, np.float32)
        projection = self._projection()
        fit = hashlib.sha256(weights.tobytes()).hexdigest()[:16] if self.rare_counts_more else ""

        def encode(rows: Sequence[int]) -> Encoded:
            texts = [self._plain(text) for text in data.texts(np.asarray(rows))]
            full = [at for at, text in enumerate(texts) if text]
            lost = [(rows[at], "the text is empty") for at, text in enumerate(texts) if not text]
            if not full:
                return Encoded([], None, lost)
            counts = counter.transform([texts[at] for at in full])
            counts.data = (1.0 + np.log(counts.data)) * weights[counts.indices]
            values = (counts @ projection).toarray()
            values /= np.maximum(np.linalg.norm(values, axis=1, keepdims=True), np.finfo(np.float32).tiny)
            return Encoded([rows[at] for at in full], values, lost)

        yield Encoder(encode, "texts", self.n_components, BATCH, block=8 * BATCH, fit=fit)

    def _plain(self, text: str) -> str:
        """What is written the same way in another coding, width or (unless it `differs`) case is the same."""
        text = unicodedata.normalize("NFKC", text)
        if self.case == "same":  # folding can undo the normal form
            text = unicodedata.normalize("NFKC", text.casefold())
        return text.strip()

    def _counter(self) -> Any:
        from sklearn.feature_extraction.text import HashingVectorizer

        return HashingVectorizer(
            analyzer="char_wb", ngram_range=(self.ngram_min, max(self.ngram_min, self.ngram_max)), n_features=BUCKETS,
            alternate_sign=False, norm=None, lowercase=False, dtype=np.float32,
        )  # fmt: skip

    def _weights(self, data: Dataset, counter: Any, progress: Progress) -> np.ndarray:
        """``(BUCKETS,)`` float32: the inverse document frequency over some of the texts."""
        count = min(len(data), SAMPLE)
        rows = np.sort(np.random.default_rng(self.random_state).choice(len(data), count, replace=False))
        having = np.zeros(BUCKETS)
        for start in range(0, count, ROUND):
            progress(0.0, f"learning which pieces are common, {start:,} of {count:,} texts")
            texts = data.texts(rows[start : start + ROUND])
            having += np.bincount(counter.transform([self._plain(text) for text in texts]).indices, minlength=BUCKETS)
        return (np.log((1.0 + count) / (1.0 + having)) + 1.0).astype(np.float32)

    def _projection(self) -> Any:
        """Sparse ``(BUCKETS, d)``: each piece adds to a few numbers, to each up or down."""
        from scipy.sparse import csr_matrix

        random = np.random.default_rng(self.random_state)
        places = random.integers(0, self.n_components, BUCKETS * PLACES, dtype=np.int32)
        signs = random.choice(np.array([-1.0, 1.0], np.float32), BUCKETS * PLACES) / np.float32(np.sqrt(PLACES))
        starts = np.arange(BUCKETS + 1, dtype=np.int32) * PLACES
        return csr_matrix((signs, places, starts), shape=(BUCKETS, self.n_components))
