"""Columns of noise: how Inf-FS ranks them with the papers' edges and ours, how many are found, what leaving them out is worth.

``python benchmarks/features_columns.py`` prints three Markdown tables, each figure a mean over five seeds; ``--large`` also times a
million rows of thirty columns.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from explorer.dataset import Dataset
from explorer.features.columns import Columns
from explorer.features.columns.reading import read
from explorer.features.infinite import CHANCE, ROUNDS, Views, paper_edges, path_energies, rank_columns

SEEDS = 5
NOISE = 20
OLD = {"balance": False, "skew": "off", "missing": "fill"}


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--large", action="store_true")
    given = parser.parse_args()
    print(
        "AUC: how often a measured column ranks above one of noise. Wrong: measured columns called noise. Found: noise so called.\n"
    )
    print("| table | papers, α = ½: AUC | papers, α = 0: AUC | ours: AUC | ours: wrong | found | papers, α = ½: wrong | found |")
    print("|---|---|---|---|---|---|---|---|")
    for name in cases(0):
        print(_line(name), flush=True)
    print("\nk-means on all columns, on those left when the noise found is left out, and on the measured ones; ARI to the truth\n")
    print("| table | all | noise left out | measured only |\n|---|---|---|---|")
    for name in labelled(0):
        print(_clustered(name), flush=True)
    print("\nThe same without any noise, as `columns` was (numbers robust, categories 0 and 1) and as it is\n")
    print("| table | was | is |\n|---|---|---|")
    for name in [*labelled(0), *mixed(0)]:
        print(_before(name), flush=True)
    if given.large:
        _large()


# The tables


def gaussian(rng: np.random.Generator, n: int, groups: int, good: int, apart: float) -> tuple[np.ndarray, np.ndarray]:
    """``(n, good)`` columns in which groups lie so far apart, and the groups."""
    truth = rng.integers(0, groups, n)
    return rng.normal(size=(groups, good))[truth] * apart / np.sqrt(2) + rng.normal(size=(n, good)), truth


def named(columns: np.ndarray, word: str = "good") -> dict[str, Any]:
    """Columns by name."""
    return {f"{word} {place}": values for place, values in enumerate(columns.T)}


def cases(seed: int) -> dict[str, dict[str, Any]]:
    """Tables whose columns are called good or noise."""
    rng = np.random.default_rng(seed)

    def noise(n: int, count: int) -> dict[str, Any]:
        return named(rng.normal(size=(n, count)), "noise")

    tailed = gaussian(rng, 1000, 5, 10, 2.0)[0]
    tailed[:, ::2] = np.exp(2 * tailed[:, ::2])
    factors = rng.normal(size=(1000, 2)) @ rng.normal(size=(2, 10)) + rng.normal(size=(1000, 10))
    small = np.repeat(rng.normal(size=(1000, 3)), [8, 2, 2], axis=1) + rng.normal(size=(1000, 12))
    alone = np.where(rng.random((1000, 10)) < 0.5, -3.0, 3.0) + rng.normal(size=(1000, 10))
    made = {
        "3 groups in 10 of 40, n 500": named(gaussian(rng, 500, 3, 10, 2.0)[0]) | noise(500, 30),
        "20 groups in 10 of 40, n 2,000": named(gaussian(rng, 2000, 20, 10, 2.0)[0]) | noise(2000, 30),
        "5 groups, half as far apart, n 500": named(gaussian(rng, 500, 5, 10, 1.0)[0]) | noise(500, 30),
        "5 groups in 4 of 40, n 500": named(gaussian(rng, 500, 5, 4, 1.5)[0]) | noise(500, 36),
        "half log-normal": named(tailed) | noise(1000, 30),
        "heavy-tailed noise (t 1.5)": named(gaussian(rng, 1000, 5, 10, 2.0)[0]) | named(rng.standard_t(1.5, (1000, 30)), "noise"),
        "numbers and categories": kinds(rng),
        "two factors in 10 of 40": named(factors) | noise(1000, 30),
        "sets of 8, 2 and 2 of 40": named(small) | noise(1000, 28),
        "10 columns split in two, each by itself, of 40": named(alone) | noise(1000, 30),
    }  # fmt: skip
    return made | {name: columns | noise(len(truth), NOISE) for name, (columns, truth) in shipped().items()}


def kinds(rng: np.random.Generator) -> dict[str, Any]:
    """Five groups in six numbers and four categories; noise in ten numbers and eight categories of 2 to 40 values."""
    values, truth = gaussian(rng, 1000, 5, 6, 2.0)
    made = named(values)
    for place in range(4):
        made[f"good kind {place}"] = [f"k{v}" for v in np.where(rng.random(1000) < 0.7, truth, rng.integers(0, 5, 1000))]
    made |= named(rng.normal(size=(1000, 10)), "noise")
    for place, count in enumerate((2, 3, 5, 10, 20, 20, 40, 40)):
        made[f"noise kind {place}"] = [f"v{v}" for v in rng.integers(0, count, 1000)]
    return made


def shipped() -> dict[str, tuple[dict[str, Any], np.ndarray]]:
    """scikit-learn's tables and their truth."""
    from sklearn.datasets import load_breast_cancer, load_wine

    found = {}
    for name, load in (("wine, 13 + 20", load_wine), ("breast cancer, 30 + 20", load_breast_cancer)):
        bunch = load()
        found[name] = named(bunch.data), bunch.target
    return found


def labelled(seed: int) -> dict[str, tuple[dict[str, Any], np.ndarray]]:
    """Tables with columns of noise, and their truth."""
    rng = np.random.default_rng(seed)
    made = {}
    for name, (columns, truth) in shipped().items():
        made[name] = columns | named(rng.normal(size=(len(truth), NOISE)), "noise"), truth
    values, truth = gaussian(rng, 1000, 5, 10, 1.5)
    return made | {"5 groups in 10 of 40": (named(values) | named(rng.normal(size=(1000, 30)), "noise"), truth)}


def mixed(seed: int) -> dict[str, tuple[dict[str, Any], np.ndarray]]:
    """Numbers that say little beside categories that say much, and incomes."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 4, 1000)
    seen = [np.where(rng.random(1000) < 0.6, truth, rng.integers(0, 4, 1000)) for _ in range(4)]
    told = {f"good kind {place}": [f"k{v}" for v in one] for place, one in enumerate(seen)}
    split = np.where(rng.random((1000, 6)) < 0.5, -1.0, 1.0) + rng.normal(size=(1000, 6)) / 3
    eight = (split[:, 0] > 0) * 4 + (split[:, 1] > 0) * 2 + (split[:, 2] > 0)
    idle = {f"good kind {place}": [f"k{v}" for v in rng.integers(0, 4, 1000)] for place in range(4)}
    values, groups = gaussian(rng, 1000, 4, 6, 2.0)
    tails = values.copy()
    tails[:, :3] = np.exp(2 * tails[:, :3])
    gone = values.copy()
    gone[rng.random(values.shape) < np.where(groups[:, None] == 0, 0.6, 0.1)] = np.nan
    return {
        "4 categories that tell 4 groups, 6 split numbers that do not": (told | named(split), truth),
        "3 split numbers that tell 8 groups, 4 categories that do not": (named(split[:, :3]) | idle, eight.astype(int)),
        "6 numbers, 3 of them log-normal": (named(tails), groups),
        "6 numbers, one group's mostly missing": (named(gone), groups),
    }  # fmt: skip


def dataset(columns: dict[str, Any]) -> Dataset:
    """A table of numbers and of categories."""
    made = {name: pa.array(values, from_pandas=True) for name, values in columns.items()}
    said = {name: "category" if pa.types.is_string(column.type) else "number" for name, column in made.items()}
    return Dataset("table", np.arange(len(next(iter(made.values())))), pa.table(made), said)


# The measures


def _line(name: str) -> str:
    found: list[list[float]] = []
    for seed in range(SEEDS):
        data = dataset(cases(seed)[name])
        noise = np.array([column.startswith("noise") for column in data.columns])
        views = Views.of([read(data.table.column(column), data.kinds[column]) for column in data.columns])
        spread = np.array([_deviation(data, column) for column in data.columns])
        half, none = (_shuffled(views, spread, alpha) for alpha in (0.5, 0.0))
        ranked = {one.name: one for one in rank_columns(data)}
        scores = np.array([ranked[column].score for column in data.columns])
        called = np.array([ranked[column].noise for column in data.columns])
        theirs = half[0] <= half[1]
        found.append([_auc(half[0], noise), _auc(none[0], noise), _auc(scores, noise), (called & ~noise).sum(),
                      (called & noise).sum(),
                      (theirs & ~noise).sum(), (theirs & noise).sum(), (~noise).sum(), noise.sum()])  # fmt: skip
    a, b, c, wrong, right, wrong2, right2, good, bad = np.mean(found, axis=0)
    cells = [name, f"{a:.2f}", f"{b:.2f}", f"{c:.2f}", f"{wrong:.1f} of {good:.0f}", f"{right:.1f} of {bad:.0f}",
             f"{wrong2:.1f} of {good:.0f}", f"{right2:.1f} of {bad:.0f}"]  # fmt: skip
    return "| " + " | ".join(cells) + " |"


def _deviation(data: Dataset, name: str) -> float:
    """A column's standard deviation as it was encoded before columns were made to count the same."""
    return float(np.sqrt(Columns(columns=[name], **OLD).run(data).values.var(axis=0).sum()))


def _shuffled(views: Views, spread: np.ndarray, alpha: float) -> tuple[np.ndarray, float]:
    """Scores with the papers' edges, and what those of shuffled columns seldom reach."""
    rng, m = np.random.default_rng(0), len(spread)
    scores = np.array([path_energies(paper_edges(views.with_shuffled(rng), np.tile(spread, 2), alpha)) for _ in range(ROUNDS)])
    return scores[:, :m].mean(axis=0), float(np.quantile(scores[:, m:], CHANCE))


def _auc(scores: np.ndarray, noise: np.ndarray) -> float:
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(~noise, scores))


def _ari(columns: dict[str, Any], truth: np.ndarray, **settings: Any) -> float:
    from sklearn.cluster import KMeans
    from sklearn.metrics import adjusted_rand_score

    values = Columns(**settings).run(dataset(columns)).values
    return float(adjusted_rand_score(truth, KMeans(len(np.unique(truth)), n_init=10, random_state=0).fit_predict(values)))


def _mean(measure: Callable[[int], Iterator[float]]) -> list[str]:
    return [f"{value:.3f}" for value in np.mean([list(measure(seed)) for seed in range(SEEDS)], axis=0)]


def _clustered(name: str) -> str:
    def measure(seed: int) -> Iterator[float]:
        columns, truth = labelled(seed)[name]
        left = {one.name for one in rank_columns(dataset(columns)) if not one.noise}
        yield _ari(columns, truth)
        yield _ari({column: columns[column] for column in columns if column in left}, truth)
        yield _ari({column: columns[column] for column in columns if column.startswith("good")}, truth)

    return "| " + " | ".join([name, *_mean(measure)]) + " |"


def _before(name: str) -> str:
    def measure(seed: int) -> Iterator[float]:
        columns, truth = (labelled(seed) | mixed(seed))[name]
        good = {column: values for column, values in columns.items() if column.startswith("good")}
        yield _ari(good, truth, **OLD)
        yield _ari(good, truth)

    return "| " + " | ".join([name.partition(" + ")[0], *_mean(measure)]) + " |"


def _large() -> None:
    """A million rows of thirty columns: seconds and memory."""
    rng, n = np.random.default_rng(0), 1_000_000
    made: dict[str, Any] = {f"x{one}": np.exp(rng.normal(size=n) * (one % 2 + 0.5)) for one in range(20)}
    words = np.array([f"value {one}" for one in range(5_000)], dtype=object)
    made |= {f"c{one}": words[rng.integers(0, size, n)] for one, size in enumerate((3, 8, 20, 40, 500, 5_000))}
    data = dataset(made | {f"amount{one}": [f"{v:,} km" for v in rng.integers(0, 10**6, n).tolist()] for one in range(4)})
    before, clock, cpu = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter(), time.process_time()
    _ = data.fingerprint
    hashed = time.perf_counter()
    result = Columns().run(data)
    took, used = time.perf_counter() - hashed, time.process_time() - cpu
    most = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    hashing = hashed - clock
    print(f"\n{n:,} × 30 → {result.values.shape[1]}: {took:.1f} s ({used:.1f} s of CPU with {hashing:.1f} s of fingerprint)")
    print(f"{most:,.0f} MB on top, of which {result.values.nbytes / 2**20:,.0f} MB are the features")


if __name__ == "__main__":
    main()
