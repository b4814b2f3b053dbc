"""HDBSCAN by scikit-learn, by fast_hdbscan and by ours: time in a fresh process, once warm, and whether they agree.

``python benchmarks/clustering.py`` prints Markdown tables; ``--quick`` is the smallest case of each.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

LAYOUTS = [(2_000, 2), (5_000, 2), (20_000, 2), (50_000, 2), (200_000, 2), (1_000_000, 2)]
VECTORS = [(2_000, 384), (5_000, 10), (5_000, 64), (20_000, 10), (20_000, 64), (50_000, 20), (50_000, 64), (1_000_000, 64)]
SIZE, SAMPLES = 20, 5  # min_cluster_size, and min_samples as ours is by default
SKLEARN_ROWS, FAST_COLUMNS = 60_000, 30  # beyond these the one takes hours, and the other looks for neighbours approximately


def main() -> None:
    """Time every case in processes of its own, so that nothing is compiled before the first run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--one", nargs=3, metavar=("WHICH", "N", "D"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        which, n, d = given.one
        print(json.dumps(_timed(which, int(n), int(d))))
        return
    print(f"{os.cpu_count()} cores, min_cluster_size {SIZE}, min_samples {SAMPLES}; seconds\n")
    for cases in (LAYOUTS, VECTORS):
        _table(cases[:1] if given.quick else cases)
    _first_time()


def _first_time() -> None:
    with tempfile.TemporaryDirectory() as empty:
        for which in ("ours", "fast"):
            first, again = (_fresh(which, 5_000, 2, NUMBA_CACHE_DIR=empty)["cold"] for _ in range(2))
            print(f"{which}, 5,000 × 2: {first:.1f} s the first time on a machine, {again:.1f} s in the next process")


def _table(cases: list[tuple[int, int]]) -> None:
    columns = ["n", "d", "sklearn, fresh", "warm", "fast, fresh", "warm", "ours, fresh", "warm", "another cut",
               "ARI of ours to sklearn", "to fast", "clusters of sklearn", "of fast", "of ours", "ARI, items reversed"]  # fmt: skip
    print(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
    for n, d in cases:
        _line(n, d)
    print()


def _line(n: int, d: int) -> None:
    from sklearn.metrics import adjusted_rand_score as agreement

    ours = _fresh("ours", n, d)
    slow = _fresh("sklearn", n, d) if n <= SKLEARN_ROWS else None
    fast = _fresh("fast", n, d) if d <= FAST_COLUMNS else None

    def seconds(made: dict[str, Any] | None) -> list[str]:
        return ["", ""] if made is None else [f"{made['cold']:.2f}", f"{made['warm']:.2f}"]

    def alike(made: dict[str, Any] | None) -> str:
        return "" if made is None else f"{agreement(made['labels'], ours['labels']):.4f}"

    def clusters(made: dict[str, Any] | None) -> str:
        return "" if made is None else f"{max(made['labels']) + 1:,}"

    turned = agreement(ours["labels"], ours["turned"][::-1])
    cells = [f"{n:,}", d, *seconds(slow), *seconds(fast), *seconds(ours), f"{ours['again']:.2f}", alike(slow), alike(fast),
             clusters(slow), clusters(fast), clusters(ours), f"{turned:.4f}"]  # fmt: skip
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def _fresh(which: str, n: int, d: int, **environment: str) -> dict[str, Any]:
    command = [sys.executable, __file__, "--one", which, str(n), str(d)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ | environment)
    made: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return made


def _timed(which: str, n: int, d: int) -> dict[str, Any]:
    points, _ = blobs(n, d)
    started = time.perf_counter()
    method = _method(which)  # its import counts: a fresh process pays it
    labels = method(points)
    cold = time.perf_counter() - started
    started = time.perf_counter()
    method(points)
    made = {"cold": cold, "warm": time.perf_counter() - started, "labels": labels.tolist()}
    return made | (_more(points) if which == "ours" else {})


def _more(points: np.ndarray) -> dict[str, Any]:
    """Another cut of the tree that is kept, in seconds, and the clusters of the items in the reverse order."""
    from explorer.clustering.hdbscan import HDBSCAN

    with tempfile.TemporaryDirectory() as place:
        store = Path(place) / "cluster" / "hdbscan"
        HDBSCAN(min_cluster_size=SIZE, min_samples=SAMPLES).run(points, store=store)
        started = time.perf_counter()
        HDBSCAN(min_cluster_size=2 * SIZE, min_samples=SAMPLES).run(points, store=store)
        again = time.perf_counter() - started
    turned = HDBSCAN(min_cluster_size=SIZE, min_samples=SAMPLES).run(points[::-1]).values
    return {"again": again, "turned": turned.tolist()}


def _method(which: str) -> Callable[[np.ndarray], np.ndarray]:
    if which == "sklearn":
        from sklearn.cluster import HDBSCAN

        return lambda points: HDBSCAN(min_cluster_size=SIZE, min_samples=SAMPLES, copy=True).fit(points).labels_
    if which == "ours":
        from explorer.clustering.hdbscan import HDBSCAN as Ours  # noqa: N811  two classes of one name

        return lambda points: Ours(min_cluster_size=SIZE, min_samples=SAMPLES).run(points).values
    import numba
    from fast_hdbscan import HDBSCAN as Fast  # noqa: N811  two classes of one name

    # One thread, so that the result is the same every time; without the item itself, which scikit-learn counts.
    numba.set_num_threads(1)
    return lambda points: Fast(min_cluster_size=SIZE, min_samples=SAMPLES - 1).fit(points).labels_


def blobs(n: int, d: int, groups: int = 30) -> tuple[np.ndarray, np.ndarray]:
    """Groups of different size and shape with a tenth of noise between, as a UMAP of real data looks."""
    rng = np.random.default_rng(0)
    shares = rng.dirichlet(np.full(groups, 2.0))
    truth = rng.choice(groups, n, p=shares)
    centres = rng.uniform(-12, 12, (groups, d)) * (2 / d) ** 0.25
    widths = rng.uniform(0.15, 0.6, (groups, d))
    points = centres[truth] + rng.normal(size=(n, d)) * widths[truth]
    stray = rng.random(n) < 0.1
    points[stray] = rng.uniform(-14, 14, (int(stray.sum()), d)) * (2 / d) ** 0.25
    truth[stray] = -1
    return points.astype(np.float32), truth


if __name__ == "__main__":
    main()
