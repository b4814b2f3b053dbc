"""The graph of nearest neighbours: ours against pynndescent, faiss, hnswlib, usearch and scikit-learn, each in a fresh process.

``python benchmarks/neighbors.py`` prints a Markdown table of 10,000 and 100,000 rows; ``--big`` of a million. Wall-clock seconds
depend on what else the machine does, seconds of processor (user and system, all threads) hardly; both count imports and
compiling; the data are made before. Recall is of 15 neighbours, on 300 rows whose true ones are known.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import time

import numpy as np

K, ASKED = 15, 300
METHODS = ("ours", "pynndescent", "faiss-ivf", "faiss-hnsw", "hnswlib", "usearch")
CASES = [(10_000, 64, "mixture", "euclidean"), (100_000, 64, "mixture", "euclidean"), (100_000, 64, "layers", "euclidean"),
         (100_000, 128, "mixture", "cosine")]  # fmt: skip
BIG = [(1_000_000, 64, "mixture", "euclidean")]


def main() -> None:
    """Time every method on every case."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--big", action="store_true", help="a million rows only")
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--rows", type=int, help="only cases of so many rows")
    parser.add_argument("--one", nargs=5, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        method, n, d, data, metric = given.one
        print(json.dumps(timed(method, int(n), int(d), data, metric)))
        return
    print(f"{os.cpu_count()} cores, Python {platform.python_version()}; {os.getloadavg()[0]:.1f} programs wanted a core\n")
    print("| rows | data | metric | method | seconds | of processor | recall | said | MB above the data |")
    print("|---|---|---|---|---|---|---|---|---|")
    for case in BIG if given.big else CASES:
        if given.rows in (None, case[0]):
            for method in given.methods.split(","):
                line(method, *case)


def line(method: str, n: int, d: int, data: str, metric: str) -> None:
    """One line of the table, of a process of its own."""
    command = [sys.executable, __file__, "--one", method, str(n), str(d), data, metric]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"| {n:,} × {d} | {data} | {metric} | {method} | failed: {done.stderr.strip().splitlines()[-1]} |", flush=True)
        return
    made = json.loads(done.stdout.splitlines()[-1])
    numbers = [f"{made['wall']:.1f}", f"{made['cpu']:.1f}", f"{made['recall']:.3f}", made["said"], f"{made['memory']:,.0f}"]
    cells = [f"{n:,} × {d}", data, metric, method, *numbers]
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def timed(method: str, n: int, d: int, data: str, metric: str) -> dict[str, object]:
    """Seconds, recall and memory of one search."""
    rows = {"mixture": mixture, "layers": layers}[data](n, d)
    before, started, used = _peak(), time.perf_counter(), _cpu()
    indices, said = _found(method, rows, metric)
    wall, cpu, peak = time.perf_counter() - started, _cpu() - used, _peak()
    return {"wall": wall, "cpu": cpu, "memory": max(0, peak - before), "said": said, "recall": recall(rows, indices, metric)}


def recall(rows: np.ndarray, indices: np.ndarray, metric: str) -> float:
    """The share of the true neighbours of some rows that were found, themselves left out."""
    from explorer.neighbors import nearest_rows

    asked = np.sort(np.random.default_rng(1).choice(len(rows), ASKED, replace=False))
    true, _ = nearest_rows(rows, asked, K, metric)
    return float(np.mean([len(np.intersect1d(*pair)) for pair in zip(true, indices[asked], strict=True)]) / K)


def _found(method: str, rows: np.ndarray, metric: str) -> tuple[np.ndarray, str]:
    n, d = rows.shape
    if method == "ours":
        from explorer.neighbors import neighbor_graph

        graph = neighbor_graph(rows, K, metric)
        return graph.indices, f"{graph.recall:.3f}"
    if method == "sklearn":
        from sklearn.neighbors import NearestNeighbors

        return NearestNeighbors(n_neighbors=K + 1, metric=metric, algorithm="brute").fit(rows).kneighbors(rows)[1], ""
    if method == "pynndescent":
        from pynndescent import NNDescent

        made = NNDescent(rows, n_neighbors=K + 1, metric=metric, random_state=0, low_memory=True, n_jobs=1, compressed=False)
        return made.neighbor_graph[0], ""
    if metric == "cosine":
        rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    if method == "faiss-ivf":
        import faiss

        cells = max(16, int(2 * n**0.5))
        index = faiss.IndexIVFFlat(faiss.IndexFlatL2(d), d, cells)
        index.train(rows[np.random.default_rng(0).choice(n, min(n, 64 * cells), replace=False)])
        index.add(rows)
        index.nprobe = max(8, cells // 50)
        return index.search(rows, K + 1)[1], ""
    if method == "faiss-hnsw":
        import faiss

        index = faiss.IndexHNSWFlat(d, 16)
        index.hnsw.efConstruction, index.hnsw.efSearch = 80, 64
        index.add(rows)
        return index.search(rows, K + 1)[1], ""
    if method == "hnswlib":
        import hnswlib

        index = hnswlib.Index("l2", d)
        index.init_index(n, ef_construction=80, M=16, random_seed=0)
        index.add_items(rows)
        index.set_ef(64)
        return index.knn_query(rows, K + 1)[0], ""
    from usearch.index import Index

    index = Index(ndim=d, metric="l2sq", dtype="f32", connectivity=16, expansion_add=80, expansion_search=64)
    index.add(np.arange(n), rows)
    return index.search(rows, K + 1).keys.astype(np.int64), ""


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def mixture(n: int, d: int, inner: int = 10, groups: int = 40) -> np.ndarray:
    """Groups, each about a plane of `inner` directions of its own."""
    rng = np.random.default_rng(0)
    maps, middles = rng.normal(size=(groups, inner, d)) / np.sqrt(inner), rng.normal(size=(groups, d)) * 1.5
    kinds, rows = rng.integers(0, groups, n), np.empty((n, d), np.float32)
    for group in range(groups):
        own = np.flatnonzero(kinds == group)
        rows[own] = middles[group] + rng.normal(size=(len(own), inner)) @ maps[group] + 0.1 * rng.normal(size=(len(own), d))
    return rows


def layers(n: int, d: int, inner: int = 24) -> np.ndarray:
    """What a network of random weights makes of `inner` numbers: no groups, and hard to search."""
    rng = np.random.default_rng(0)
    first, second, third = (
        rng.normal(size=(inner, 256)) / np.sqrt(inner),
        rng.normal(size=(256, 256)) / 16,
        rng.normal(size=(256, d)) / 16,
    )
    rows = np.empty((n, d), np.float32)
    for low in range(0, n, 65_536):
        given = rng.normal(size=(min(65_536, n - low), inner))
        rows[low : low + 65_536] = np.maximum(np.maximum(given @ first * 2, 0) @ second * 2, 0) @ third
    return rows


if __name__ == "__main__":
    main()
