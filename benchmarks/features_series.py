"""Time series: 1-nearest-neighbour accuracy and seconds of our features, side by side with aeon's MiniRocket.

    python benchmarks/features_series.py --aeon /tmp/aeon/bin/python [--seeds 20] [--rounds 5]

aeon lives in an environment of its own (it wants another pandas), whose Python is given; the data are what aeon brings along. A
child process of that Python answers, so that the two take turns in one run, both compiled and warm; the best round counts.
Everything is learned from the training half only (filters, scales), as aeon does it; the classifier is scikit-learn's. Seconds are
of learning from the training half and computing the features of both halves, from arrays in memory. JapaneseVowels has series of 7
to 29 values: ours are computed from them as they are; aeon's MiniRocket refuses them, so they are filled up with zeros by its own
``Padder``; JapaneseVowels_eq is the form of equal length that aeon also brings.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.neighbors import KNeighborsClassifier

from explorer.features.batches import ahead, usable_cores
from explorer.features.catch22 import Catch22, scaled
from explorer.features.rocket import Rocket
from explorer.features.series import SeriesExtractor
from explorer.features.spectrum import Spectrum

NAMES = ("ArrowHead", "ItalyPowerDemand", "JapaneseVowels", "JapaneseVowels_eq")
HEADS = (
    "data (train, test, channels × values)",
    "features",
    "how many",
    "1-NN accuracy",
    "seconds, 1 thread",
    "seconds, {} threads",
)
BATCH = 32
LIKE_AEON = 9_996  # how many features its MiniRocket gives
CHILD = """
import json, os, sys, time, warnings
warnings.simplefilter("ignore")
import numpy as np, aeon, aeon.datasets
from aeon.datasets import load_from_ts_file
from aeon.transformations.collection.convolution_based import MiniRocket
from aeon.transformations.collection.unequal_length import Padder
folder = os.path.join(os.path.dirname(aeon.datasets.__file__), "data")
known = {}
for line in sys.stdin:
    ask = json.loads(line)
    name, said = ask["name"], {}
    if name not in known:
        halves = [load_from_ts_file(f"{folder}/{name.split('_')[0]}/{name}_{half}.ts") for half in ("TRAIN", "TEST")]
        both = [x for half, _ in halves for x in half]
        lengths = [x.shape[1] for x in both]
        np.savez(ask["out"], values=np.concatenate([x.ravel() for x in both]), lengths=lengths, channels=both[0].shape[0],
                 train=len(halves[0][0]), labels=np.concatenate([y for _, y in halves]).astype(str))
        if min(lengths) < max(lengths):
            padder = Padder(padded_length=max(lengths))
            halves = [(padder.fit_transform(x), y) for x, y in halves]
        known[name] = [np.ascontiguousarray(x) for x, _ in halves]
        said["version"] = aeon.__version__
    else:
        train, test = known[name]
        started = time.perf_counter()
        rocket = MiniRocket(n_jobs=ask["threads"], random_state=ask["seed"])
        rocket.fit(train)
        made = [rocket.transform(train), rocket.transform(test)]
        said["seconds"] = time.perf_counter() - started
        if ask["out"]:
            np.savez(ask["out"], train=made[0], test=made[1])
    print(json.dumps(said), flush=True)
"""

Halves = tuple[np.ndarray, np.ndarray]


@dataclass
class Data:
    """A data set of series ``(channels, t)``: those it is learned from, and those it is tried on."""

    name: str
    train: list[np.ndarray]
    test: list[np.ndarray]
    labels: Halves

    @property
    def said(self) -> str:
        lengths = [series.shape[1] for series in (*self.train, *self.test)]
        span = f"{min(lengths)} to {max(lengths)}" if min(lengths) < max(lengths) else f"{lengths[0]}"
        return f"{self.name} ({len(self.train):,}, {len(self.test):,}, {len(self.train[0])} × {span})"


class Aeon:
    """aeon in its own environment, asked line by line."""

    def __init__(self, python: str, folder: Path) -> None:
        self._child = subprocess.Popen([python, "-c", CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._folder = folder
        self.version = ""

    def _ask(self, **ask: Any) -> dict[str, Any]:
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._child.stdin.write(json.dumps(ask) + "\n")
        self._child.stdin.flush()
        line = self._child.stdout.readline()
        if not line:
            raise SystemExit("aeon's process ended; is the Python of --aeon one that has aeon?")
        return json.loads(line)

    def load(self, name: str) -> Data:
        """The data that aeon brings along."""
        out = self._folder / f"{name}.npz"
        self.version = self._ask(name=name, out=str(out))["version"]
        with np.load(out) as got:
            channels, train = int(got["channels"]), int(got["train"])
            parts = np.split(got["values"].astype(np.float32), np.cumsum(got["lengths"] * channels)[:-1])
            every = [part.reshape(channels, -1) for part in parts]
            return Data(name, every[:train], every[train:], (got["labels"][:train], got["labels"][train:]))

    def run(self, name: str, seed: int, threads: int) -> tuple[float, Halves]:
        """Seconds, and the features of both halves."""
        out = self._folder / "made.npz"
        seconds = self._ask(name=name, seed=seed, threads=threads, out=str(out))["seconds"]
        with np.load(out) as made:
            return seconds, (made["train"], made["test"])

    def close(self) -> None:
        """End the process."""
        self._child.communicate()


def learned(step: SeriesExtractor, train: list[np.ndarray], channels: int) -> Callable[[np.ndarray], np.ndarray]:
    """What turns a prepared series into features."""
    if isinstance(step, Rocket):
        return step.learn(train, channels)
    if isinstance(step, Catch22):
        middle, spread = step.scale([step.statistics(series) for series in train], channels)
        return lambda series: scaled(step.statistics(series), middle, spread)
    assert isinstance(step, Spectrum)
    return step.spectrum


def ours(step: SeriesExtractor, data: Data, threads: int) -> tuple[float, Halves]:
    """Seconds, and the features of both halves; in batches by threads, as a run does it."""
    channels = len(data.train[0])
    started = time.perf_counter()
    make = learned(step, [_prepared(step, series, channels) for series in data.train], channels)
    every = data.train + data.test
    jobs = [every[start : start + BATCH] for start in range(0, len(every), BATCH)]

    def some(batch: Sequence[np.ndarray]) -> np.ndarray:
        return np.stack([make(_prepared(step, series, channels)) for series in batch])

    with closing(ahead(some, jobs, threads)) as parts:
        made = np.concatenate(list(parts))
    return time.perf_counter() - started, (made[: len(data.train)], made[len(data.train) :])


def _prepared(step: SeriesExtractor, series: np.ndarray, channels: int) -> np.ndarray:
    made = step.prepared(series, channels)
    assert made is not None
    return made


def accuracy(made: Halves, labels: Halves) -> float:
    """Percent of the second half whose nearest one of the first has the same label."""
    return 100 * float(KNeighborsClassifier(1).fit(made[0], labels[0]).score(made[1], labels[1]))


def row(said: str, what: str, runs: Callable[[int, int], tuple[float, Halves]], data: Data, seeds: int) -> dict[str, Any]:
    """The accuracies over the seeds; these runs also warm up."""
    made = [runs(seed, 1)[1] for seed in range(seeds)]
    return {
        "said": said,
        "what": what,
        "runs": runs,
        "width": made[0][0].shape[1],
        "right": [accuracy(one, data.labels) for one in made],
    }


def compare(data: Data, aeon: Aeon, seeds: int, rounds: int, cores: int) -> list[str]:
    """The table's lines of a data set."""
    rows = [
        row(data.said, f"aeon {aeon.version} MiniRocket", lambda seed, threads: aeon.run(data.name, seed, threads), data, seeds),
        row("", "`rocket`, as many", lambda s, t: ours(Rocket(n_features=LIKE_AEON, random_state=s), data, t), data, seeds),
        row("", "`rocket`, as it comes", lambda s, t: ours(Rocket(random_state=s), data, t), data, seeds),
        row("", "`catch22`", lambda s, t: ours(Catch22(random_state=s), data, t), data, 1),
        row("", "`spectrum`", lambda s, t: ours(Spectrum(random_state=s), data, t), data, 1),
    ]
    seconds: dict[tuple[int, int], list[float]] = {}
    for _ in range(rounds):
        for threads in (1, cores):
            for place, one in enumerate(rows):
                seconds.setdefault((place, threads), []).append(one["runs"](0, threads)[0])
    lines = []
    for place, one in enumerate(rows):
        right = f"{np.mean(one['right']):.1f}" + (f" ± {np.std(one['right']) / seeds**0.5:.1f}" if len(one["right"]) > 1 else "")
        times = [min(seconds[place, threads]) for threads in (1, cores)]
        cells = [one["said"], one["what"], f"{one['width']:,}", right, *(f"{taken:.3f}" for taken in times)]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def table(python: str, seeds: int = 20, rounds: int = 5, names: Sequence[str] = NAMES) -> list[str]:
    """The comparison as Markdown; accuracies are means over the seeds with their standard error."""
    cores = usable_cores()
    lines = ["| " + " | ".join(HEADS).format(cores) + " |", "|---|---|--:|--:|--:|--:|"]
    with tempfile.TemporaryDirectory() as folder, closing(Aeon(python, Path(folder))) as aeon:
        for name in names:
            lines += compare(aeon.load(name), aeon, seeds, rounds, cores)
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--aeon", required=True, help="the Python of an environment with aeon: python -m venv; pip install aeon")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--names", nargs="+", default=list(NAMES))
    given = parser.parse_args()
    print("\n".join(table(given.aeon, given.seeds, given.rounds, given.names)))


if __name__ == "__main__":
    main()
