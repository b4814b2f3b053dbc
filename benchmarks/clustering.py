"""HDBSCAN by scikit-learn against HDBSCAN by fast_hdbscan: time in a fresh process, time once warm, and whether they agree.

``python benchmarks/clustering.py`` prints a Markdown table; ``--quick`` runs the smallest cases only.
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
from typing import Any

import numpy as np

CASES = [(5_000, 2), (20_000, 2), (50_000, 2), (20_000, 5), (20_000, 10), (5_000, 20), (20_000, 20), (5_000, 64), (20_000, 64)]
SIZE = 20  # min_cluster_size, and min_samples with it


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
    print(f"{os.cpu_count()} cores, min_cluster_size = min_samples = {SIZE}; seconds\n")
    print(
        "| n | d | sklearn, fresh process | warm | fast, fresh process | warm | warm ratio | ARI of sklearn | of fast | of both |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    for n, d in CASES[:1] if given.quick else CASES:
        _line(n, d)
    with tempfile.TemporaryDirectory() as empty:
        first = _fresh("fast", 5_000, 2, NUMBA_CACHE_DIR=empty)
        again = _fresh("fast", 5_000, 2, NUMBA_CACHE_DIR=empty)
    print(f"\nfast, 5,000 × 2: {first['cold']:.1f} s the first time on a machine, {again['cold']:.1f} s in the next fresh process")


def _line(n: int, d: int) -> None:
    from sklearn.metrics import adjusted_rand_score as agreement

    made = {which: _fresh(which, n, d) for which in ("sklearn", "fast")}
    slow, fast = made["sklearn"], made["fast"]
    between = agreement(slow["labels"], fast["labels"])
    cells = [f"{n:,}", d, f"{slow['cold']:.2f}", f"{slow['warm']:.2f}", f"{fast['cold']:.2f}", f"{fast['warm']:.2f}",
             f"{slow['warm'] / fast['warm']:.1f}", f"{slow['truth']:.3f}", f"{fast['truth']:.3f}", f"{between:.3f}"]  # fmt: skip
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def _fresh(which: str, n: int, d: int, **environment: str) -> dict[str, Any]:
    command = [sys.executable, __file__, "--one", which, str(n), str(d)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ | environment)
    made: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return made


def _timed(which: str, n: int, d: int) -> dict[str, Any]:
    from sklearn.metrics import adjusted_rand_score

    points, truth = blobs(n, d)
    started = time.perf_counter()
    method = _method(which)  # its import counts: a fresh process pays it
    method(points)
    cold = time.perf_counter() - started
    started = time.perf_counter()
    labels = method(points)
    warm = time.perf_counter() - started
    return {"cold": cold, "warm": warm, "truth": adjusted_rand_score(truth, labels), "labels": labels.tolist()}


def _method(which: str) -> Callable[[np.ndarray], np.ndarray]:
    if which == "sklearn":
        from sklearn.cluster import HDBSCAN

        return lambda points: HDBSCAN(min_cluster_size=SIZE, min_samples=SIZE, copy=True).fit(points).labels_
    import numba
    from fast_hdbscan import HDBSCAN as Fast  # noqa: N811  two classes of one name

    # As explorer.clustering.hdbscan runs it: one thread, so that the result is the same every time; without the item itself.
    numba.set_num_threads(1)
    return lambda points: Fast(min_cluster_size=SIZE, min_samples=SIZE - 1).fit(points).labels_


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
