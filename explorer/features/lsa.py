"""Texts to vectors by the words they share: quick, needs no trained model, works in any language."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import param

from explorer.dataset import Dataset
from explorer.errors import InputError
from explorer.features.base import Extractor
from explorer.step import Output, Progress

ROUND = 500  # texts between two calls of progress
FEW = 25  # `min_df` is at most one text in so many, and of fewer texts no word is in too many: a small collection keeps its words


class LSA(Extractor):
    """Which words each text uses: TF-IDF, then its strongest directions.

    Latent semantic analysis (Deerwester et al. 1990) with scikit-learn: ``TfidfVectorizer`` and ``randomized_svd`` (Halko 2011).
    """

    method = "lsa"
    needs = "text"
    packages = ("scikit-learn", "scipy")

    n_components = param.Integer(
        100, bounds=(2, 1000), softbounds=(10, 300), doc="Numbers kept of each text; fewer if there are fewer texts."
    )
    analyzer = param.Selector(
        default="word", objects=["word", "char_wb"], precedence=1,
        doc="Count words, or pieces of 2 to 5 letters (for languages without spaces, codes, typing errors).",
    )  # fmt: skip
    ngram_max = param.Integer(1, bounds=(1, 5), precedence=1, doc="Also count this many words in a row.")
    min_df = param.Integer(2, bounds=(1, 1000), precedence=1, doc="Leave out words that are in fewer texts than this.")
    max_df = param.Number(0.9, bounds=(0.01, 1.0), precedence=1, doc="Leave out words in more than this share of the texts.")
    max_features = param.Integer(50_000, bounds=(10, 1_000_000), precedence=1, doc="The most words kept, the most frequent first.")
    sublinear = param.Boolean(True, precedence=1, doc="A word used ten times does not count ten times as much.")

    def compute(self, data: Dataset, progress: Progress) -> Output:
        """``(n, d)`` float32 of unit length; the row of a text that is empty or shares no word is NaN.

        Raises
        ------
        InputError
            When all texts are empty or hold no words.
        """
        texts = data.texts()
        full = [text for text in texts if text.strip()]
        if not full:
            raise InputError(f"{data.name}: all {len(texts):,} texts are empty; name another column with --text")
        notes: list[str] = []
        counts = self._count(data.name, full, progress.part(0.0, 0.6), notes)
        progress(0.6, f"finding the directions of {counts.shape[1]:,} words")
        directions = self._directions(counts)
        values = np.full((len(texts), directions.shape[1]), np.nan, dtype=np.float32)
        values[[row for row, text in enumerate(texts) if text.strip()]] = directions
        self._say_lost(len(texts) - len(full), int(np.isnan(directions[:, 0]).sum()), len(texts), notes)
        return Output(values, notes=tuple(notes))

    def _count(self, name: str, texts: list[str], progress: Progress, notes: list[str]) -> Any:
        """The sparse TF-IDF matrix ``(m, words)``; where the settings leave no word, without them."""
        least = min(self.min_df, max(1, len(texts) // FEW))
        if least < self.min_df:
            notes.append(f"min_df was lowered from {self.min_df} to {least}: there are only {len(texts):,} texts")
        most = self.max_df if len(texts) >= FEW else 1.0
        for min_df, max_df in ((least, most), (1, 1.0)):
            try:
                made = self._vectorizer(min_df, max_df).fit_transform(_counted(texts, progress))
            except ValueError:  # "no terms remain", "empty vocabulary"
                continue
            if made.nnz:
                if (min_df, max_df) != (least, most):
                    notes.append("min_df and max_df left no word, so all words were kept")
                return made
        raise InputError(f"{name}: no text holds a word; set analyzer=char_wb to count letters, or name another column with --text")

    def _vectorizer(self, min_df: int, max_df: float) -> Any:
        from sklearn.feature_extraction.text import TfidfVectorizer

        return TfidfVectorizer(
            analyzer=self.analyzer, ngram_range=(1, self.ngram_max) if self.analyzer == "word" else (2, 5),
            token_pattern=r"(?u)\b\w+\b" if self.analyzer == "word" else None,  # one-letter words count: they are words elsewhere
            min_df=min_df, max_df=max_df, max_features=self.max_features, sublinear_tf=self.sublinear, dtype=np.float32,
        )  # fmt: skip

    def _directions(self, counts: Any) -> np.ndarray:
        """``(m, d)`` of unit length; a text without a counted word is NaN."""
        from sklearn.utils.extmath import randomized_svd

        # TruncatedSVD does the same and then divides by a variance that is 0 when all texts are alike
        most = min(self.n_components, *counts.shape)
        left, strengths, _ = randomized_svd(counts, most, n_iter=5, random_state=self.random_state)
        kept = strengths > strengths[0] * 1e-6  # past the rank there is only rounding, which unit length would blow up
        made = np.asarray(left[:, kept] * strengths[kept], dtype=np.float32)
        length = np.linalg.norm(made, axis=1, keepdims=True)
        length[np.diff(counts.indptr) == 0] = np.nan
        return made / np.where(length == 0, 1.0, length)

    def _say_lost(self, empty: int, wordless: int, n: int, notes: list[str]) -> None:
        if empty:
            notes.append(f"{empty:,} of {n:,} texts are empty and have no features")
        if wordless:
            notes.append(f"{wordless:,} of {n:,} texts hold no counted word and have no features; a lower min_df keeps more words")


def _counted(texts: Sequence[str], progress: Progress) -> Iterator[str]:
    for done, text in enumerate(texts):
        if done % ROUND == 0:
            progress(done / len(texts), f"counting words, {done:,} of {len(texts):,} texts")
        yield text
