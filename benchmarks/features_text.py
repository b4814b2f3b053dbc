"""Side by side: `sentence` against SentenceTransformer.encode over the same texts, its arithmetics, and names with typing errors.

    python benchmarks/features_text.py [--texts 5000] [--rounds 3] [--names 2000]

The two take turns (A B A B), so that what else the machine does falls on both; the best round of each counts, all are printed.
"""

from __future__ import annotations

import argparse
import os
import re
import string
import time
import warnings
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa

from explorer.dataset import Dataset
from explorer.features.characters import Characters
from explorer.features.lsa import LSA
from explorer.features.sentence import Sentence, shipped
from explorer.features.weights import quiet

BATCH = 32  # what `SentenceTransformer.encode` takes unless told otherwise
MEDIAN, SPREAD, SHORTEST, LONGEST = 35, 0.9, 5, 300  # words a text: log-normal, as reviews, tickets and abstracts are
FEW = 64
ENDINGS = ("Incorporated", "Limited", "GmbH & Co. KG", "Foundation", "")
ERRORS = 3  # typing errors a name


def realistic(count: int, seed: int = 0) -> list[str]:
    """So many different texts of words as often as in Python's own documentation, of log-normal length."""
    from pydoc_data.topics import topics

    known = Counter(re.findall(r"[A-Za-z][A-Za-z'-]*", " ".join(topics.values())))
    share = np.array(list(known.values()), float) / known.total()
    random = np.random.default_rng(seed)
    lengths = np.clip(np.exp(random.normal(np.log(MEDIAN), SPREAD, count)), SHORTEST, LONGEST).astype(int)
    return [" ".join(random.choice(list(known), length, p=share)) for length in lengths]


def dataset(texts: list[str]) -> Dataset:
    return Dataset("texts", np.arange(len(texts)), pa.table({"text": texts}), {"text": "text"}, {"text": "text"})


def turns(rounds: int, runs: dict[str, Callable[[], Any]]) -> dict[str, tuple[list[float], Any]]:
    """Seconds of each run in each round, the runs taking turns, and what it gave."""
    taken: dict[str, list[float]] = {name: [] for name in runs}
    made = {}
    for _ in range(rounds):
        for name, run in runs.items():
            started = time.perf_counter()
            made[name] = run()
            taken[name].append(time.perf_counter() - started)
    return {name: (taken[name], made[name]) for name in runs}


def sentences(count: int, rounds: int) -> None:
    """The table of speeds, and how near each is to the exact vectors."""
    from sentence_transformers import SentenceTransformer

    texts = realistic(count)
    with quiet():
        model: Any = SentenceTransformer(str(shipped()), device="cpu", local_files_only=True)
    rival = "SentenceTransformer.encode, loaded, batch 32"
    runs: dict[str, Callable[[], Any]] = {
        rival: lambda: model.encode(texts, batch_size=BATCH, normalize_embeddings=True, show_progress_bar=False),
        "sentence": lambda: Sentence().run(dataset(texts)).values,
        "sentence, arithmetic=bfloat16": lambda: Sentence(arithmetic="bfloat16").run(dataset(texts)).values,
        "sentence, arithmetic=int8": lambda: Sentence(arithmetic="int8").run(dataset(texts)).values,
        "sentence, long_texts=windows": lambda: Sentence(long_texts="windows").run(dataset(texts)).values,
    }
    model.encode(texts[:FEW], show_progress_bar=False)
    Sentence().run(dataset(texts[:FEW]))
    found = turns(rounds, runs)
    best, exact = count / min(found[rival][0]), found[rival][1]
    print("| how | texts | a second, best | each round | against encode | cosine to encode: mean | least |")
    print("|---|--:|--:|---|--:|--:|--:|")
    for name, (taken, made) in found.items():
        every = ", ".join(f"{count / one:,.0f}" for one in taken)
        near = (made * exact).sum(axis=1)
        rate = count / min(taken)
        row = f"| {name} | {count:,} | {rate:,.1f} | {every} | {rate / best:.2f}× | {near.mean():.5f} | {near.min():.5f} |"
        print(row, flush=True)


def invented(count: int, seed: int = 0) -> list[str]:
    """So many different names of one or two words of syllables, each with one of a few endings that many share."""
    random = np.random.default_rng(seed)
    syllables = [first + second for first in "bcdfghklmnprstvw" for second in ("a", "e", "i", "o", "u", "an", "er")]
    made: dict[str, None] = {}
    while len(made) < count:
        words = ["".join(random.choice(syllables, random.integers(2, 5))).title() for _ in range(random.integers(1, 3))]
        made[" ".join([*words, str(random.choice(ENDINGS))])] = None
    return list(made)


def mistyped(name: str, random: np.random.Generator, errors: int = ERRORS) -> str:
    """Letters left out, doubled, changed or swapped with the next."""
    for _ in range(errors):
        name = _mistyped(name, random)
    return name


def _mistyped(name: str, random: np.random.Generator) -> str:
    at = int(random.integers(1, len(name) - 1))
    letter = str(random.choice(list(string.ascii_lowercase)))
    ways = (name[at + 1 :], name[at] + name[at:], letter + name[at + 1 :], name[at + 1] + name[at] + name[at + 2 :])
    return name[:at] + ways[int(random.integers(len(ways)))]


def names(count: int) -> None:
    """How often a mistyped name is nearest to the name that was meant."""
    true = invented(count)
    random = np.random.default_rng(1)
    data = dataset(true + [mistyped(name, random) for name in true])
    print(f"\n| names with {ERRORS} typing errors | how | the meant name is nearest | a second |\n|--:|---|--:|--:|")
    for how, step in (
        ("characters", Characters()),
        ("characters, rare_counts_more=true", Characters(rare_counts_more=True)),
        ("characters, pieces of 2 to 5", Characters(ngram_min=2, ngram_max=5)),
        ("lsa, words", LSA()),
        ("lsa, analyzer=char_wb", LSA(analyzer="char_wb")),
    ):
        started = time.perf_counter()
        try:
            made = np.nan_to_num(step.run(data).values)
        except ValueError as problem:  # most names share no word with another
            print(f"| {count:,} | {how} | {problem} | |")
            continue
        rate = len(data) / (time.perf_counter() - started)
        right = (made[count:] @ made[:count].T).argmax(axis=1) == np.arange(count)
        print(f"| {count:,} | {how} | {right.mean():.1%} | {rate:,.0f} |", flush=True)


def main(texts: int = 5_000, rounds: int = 3, of_names: int = 2_000) -> None:
    """Print both tables."""
    warnings.simplefilter("ignore")
    if texts:
        print(f"load {os.getloadavg()[0]:.1f} before\n")
        sentences(texts, rounds)
    if of_names:
        names(of_names)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    for name, default in (("--texts", 5_000), ("--rounds", 3), ("--names", 2_000)):
        parser.add_argument(name, type=int, default=default)
    given = parser.parse_args()
    main(given.texts, given.rounds, given.names)
