"""The words that tell some texts from others."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

READ = 2_000  # letters of a text that are read
PRIOR = 500.0  # how many texts the prior is worth: what a rare word must overcome
SURE = 1.96  # a word's score, in standard errors, from which it is told
_WORD = re.compile(r"[^\W\d_]{2,}(?:[-'’][^\W\d_]+)*")
SHORT = 3  # letters of a word in a script that has small letters; others write whole words in two


class Word(NamedTuple):
    """A word, how surely it is more frequent (in standard errors), and the share of texts on both sides that hold it."""

    word: str
    score: float
    inside: float
    outside: float


def telling_words(inside: Sequence[str], outside: Sequence[str], most: int = 24) -> list[Word]:
    """The words that more of the texts `inside` hold than of those `outside`, the surest first.

    By the log odds with an informative Dirichlet prior over the number of texts that hold a word (Monroe, Colaresi & Quinn 2008,
    "Fightin' Words"): frequent words need no list of stop words to be left out, and rare ones do not win by chance.
    """
    if not inside or not outside:
        return []
    here, there = counted(inside), counted(outside)
    words = [word for word, hits in here.items() if hits > 1 or len(inside) < 3]
    if not words:
        return []
    a, b = (np.array([side[word] for word in words], np.float64) for side in (here, there))
    n, m = len(inside), len(outside)
    prior = PRIOR * (a + b) / (n + m)
    gap = _log_odds(a + prior, n + PRIOR) - _log_odds(b + prior, m + PRIOR)
    score = gap / np.sqrt(1.0 / (a + prior) + 1.0 / (b + prior))
    order = sorted(np.flatnonzero(score > SURE).tolist(), key=lambda at: (-score[at], words[at]))
    return [Word(words[at], float(score[at]), float(a[at] / n), float(b[at] / m)) for at in order[:most]]


def _log_odds(hits: np.ndarray, of: float) -> np.ndarray:
    return np.asarray(np.log(hits / np.maximum(of - hits, 0.5)))


def counted(texts: Iterable[str]) -> Counter[str]:
    """How many texts hold each word."""
    return Counter(word for text in texts for word in words_of(text))


def words_of(text: str) -> set[str]:
    """The different words of a text, in small letters."""
    found = {word.lower() for word in _WORD.findall(text[:READ])}
    return {word for word in found if len(word) >= SHORT or word.upper() == word}
