"""A name for each cluster from what its items have in common: a column's value, or the words of their texts."""

from __future__ import annotations

import re
from collections import Counter

import numpy as np
import pandas as pd

from explorer.dataset import Dataset

SHARE = 0.5  # of a cluster's items must have the value that names it
LIFT = 1.5  # and the value must be this much more frequent than in the whole
SAMPLE = 500  # texts of a cluster that are read
_WORD = re.compile(r"[^\W\d_]{3,}")


def name_clusters(dataset: Dataset, clusters: np.ndarray) -> dict[int, str]:
    """Names by cluster, for those that have one: the category value, or else the words, that set a cluster apart.

    Values are ranked by share × log lift, words by the same over the texts that hold them; a cluster that nothing sets apart has no
    name here and is shown by its number.
    """
    count = int(clusters.max(initial=-1)) + 1
    names = _by_values(dataset, clusters, count)
    if "text" in dataset.roles:
        names = _by_words(dataset, clusters, count) | names
    return names


def _by_values(dataset: Dataset, clusters: np.ndarray, count: int) -> dict[int, str]:
    best: dict[int, tuple[float, str]] = {}
    for column in dataset.of_kind("category"):
        codes, values = pd.factorize(dataset.column(column))
        inside = (clusters >= 0) & (codes >= 0)
        if not 2 <= len(values) <= 2_000 or not inside.any():
            continue
        table = np.zeros((count, len(values)), np.int64)
        np.add.at(table, (clusters[inside], codes[inside]), 1)
        share = table / np.maximum(np.bincount(clusters[clusters >= 0], minlength=count), 1)[:, None]
        lift = share / (np.bincount(codes[codes >= 0], minlength=len(values)) / len(codes))
        score = np.where((share >= SHARE) & (lift >= LIFT), share * np.log(np.maximum(lift, 1.0)), 0.0)
        for cluster in range(count):
            top = int(score[cluster].argmax())
            if score[cluster, top] > best.get(cluster, (0.0, ""))[0]:
                best[cluster] = (float(score[cluster, top]), _readable(values[top]))
    return {cluster: name for cluster, (_, name) in best.items()}


def _readable(value: object) -> str:
    return str(value).replace("-", " ").replace("_", " ").strip()[:40]


def _by_words(dataset: Dataset, clusters: np.ndarray, count: int) -> dict[int, str]:
    rows = np.concatenate([np.flatnonzero(clusters == cluster)[:SAMPLE] for cluster in range(count)] or [np.zeros(0, int)])
    words = [set(_WORD.findall(text.lower())) for text in dataset.texts(rows)]
    everywhere = Counter(word for found in words for word in found)
    names = {}
    for cluster in range(count):
        here = [found for row, found in zip(rows, words, strict=True) if clusters[row] == cluster]
        counted = Counter(word for found in here for word in found)
        score = {
            word: (hits / len(here)) * np.log(hits / len(here) / (everywhere[word] / len(words)))
            for word, hits in counted.items() if hits >= max(2, 0.15 * len(here))
        }  # fmt: skip
        top = sorted((word for word in score if score[word] > 0.05), key=lambda word: (-score[word], word))[:3]
        if top:
            names[cluster] = " ".join(top)
    return names
