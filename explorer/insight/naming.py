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
READ = 2_000  # letters of a text that are read
LONGEST = 40  # letters of a name
_WORD = re.compile(r"[^\W\d_]{3,}")


def name_clusters(dataset: Dataset, clusters: np.ndarray) -> dict[int, str]:
    """Names by cluster, for those that have one: the category value, or else the words, that set a cluster apart.

    Values are ranked by share × log lift, words by the same over the texts that hold them; a cluster that nothing sets apart has no
    name here and is shown by its number. No two clusters have the same name: the later ones have a number behind it.
    """
    count = int(clusters.max(initial=-1)) + 1
    names = _by_values(dataset, clusters, count)
    if "text" in dataset.roles:
        names = _by_words(dataset, clusters, count) | names
    return _distinct(names)


def _distinct(names: dict[int, str]) -> dict[int, str]:
    """The same names, numbered where several clusters share one: a legend counts and hides by name."""
    own, used, shared = set(names.values()), set[str](), Counter[str]()
    made = {}
    for cluster, name in sorted(names.items()):
        fresh = name
        while fresh in used or (fresh != name and fresh in own):
            shared[name] += 1
            fresh = f"{name} {shared[name] + 1}"
        used.add(fresh)
        made[cluster] = fresh
    return made


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
            name = _readable(values[top])
            if name and score[cluster, top] > best.get(cluster, (0.0, ""))[0]:
                best[cluster] = (float(score[cluster, top]), name)
    return {cluster: name for cluster, (_, name) in best.items()}


def _readable(value: object) -> str:
    return str(value).replace("-", " ").replace("_", " ").strip()[:LONGEST]


def _by_words(dataset: Dataset, clusters: np.ndarray, count: int) -> dict[int, str]:
    order = np.argsort(clusters, kind="stable")
    starts = np.searchsorted(clusters[order], np.arange(count + 1))
    ends = np.minimum(starts[1:], starts[:-1] + SAMPLE)
    read = [order[start:end] for start, end in zip(starts[:-1], ends, strict=True)]
    found = iter(dataset.texts(np.concatenate(read)) if read else [])
    words = [[set(_WORD.findall(next(found)[:READ].lower())) for _ in rows] for rows in read]
    everywhere = Counter(word for texts in words for text in texts for word in text)
    total = sum(map(len, words))
    names = {}
    for cluster, here in enumerate(words):
        counted = Counter(word for text in here for word in text)
        score = {
            word: (hits / len(here)) * np.log(hits / len(here) / (everywhere[word] / total))
            for word, hits in counted.items() if hits >= max(2, 0.15 * len(here))
        }  # fmt: skip
        top = sorted((word for word in score if score[word] > 0.05), key=lambda word: (-score[word], word))[:3]
        if top:
            names[cluster] = " ".join(top)[:LONGEST].strip()
    return names
