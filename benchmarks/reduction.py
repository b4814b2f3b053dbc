"""Our UMAP beside umap-learn: whole fits in fresh processes, the layout alone, what the maps are worth, and whether bytes repeat.

    python benchmarks/reduction.py [fresh alone quality seeds bytes first million]

Settings are the defaults of both, with a seed. The parts taken together need an hour on two cores; `million` runs only when it
is named (another half hour, nearly all of it umap-learn's).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import unicodedata
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from startup import machine

SAMPLES = Path(__file__).parent.parent / "sample_data"
PARTS = ("fresh", "alone", "quality", "seeds", "bytes", "first", "million")
SEEDS = (0, 1, 2)
FEW = 10_000  # items whose pairs fit into memory several times


def main() -> None:
    """Print the parts that were asked for; every fit runs in a process of its own."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("parts", nargs="*", help=" ".join(PARTS))
    parser.add_argument("--one", nargs=2, metavar=("WHAT", "JSON"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(ONE[given.one[0]](**json.loads(given.one[1]))))
        return
    print(machine(), "\n")
    for part in given.parts or PARTS[:-1]:
        globals()[f"_{part}"]()


# What is laid out


def clustered(n: int, d: int, seed: int = 0) -> np.ndarray:
    """``(n, d)`` float32: sixty clouds of twelve dimensions, bent into d, with noise."""
    return clouds(n, d, seed)[0]


def clouds(n: int, d: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """The same, and of which cloud each is."""
    random = np.random.default_rng(seed)
    middles, turn = random.normal(size=(60, 12)) * 2, random.normal(size=(12, d))
    made, groups = np.empty((n, d), np.float32), np.empty(n, np.int64)
    for start in range(0, n, 100_000):
        stop = min(start + 100_000, n)
        groups[start:stop] = random.integers(0, 60, stop - start)
        inner = middles[groups[start:stop]] + random.normal(size=(stop - start, 12))
        made[start:stop] = np.tanh(inner @ turn / 4) + 0.05 * random.normal(size=(stop - start, d))
    return made, groups


def collection(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Vectors and true groups: the shipped digits or emoji (features of a network), some or all names of characters, or clouds."""
    if name in ("names", "all names"):
        return _names(6_000 if name == "names" else None)
    if name == "clouds":
        return clouds(50_000, 128)
    import pyarrow.parquet as pq

    from explorer.step import Result

    if name == "digits":
        frame = pq.read_table(SAMPLES / "digits.parquet", columns=["pixels", "digit"]).to_pandas()
        return np.stack(frame["pixels"]).astype(np.float32), frame["digit"].to_numpy().astype(str)
    groups = pq.read_table(SAMPLES / "emoji.parquet", columns=["category"]).column(0).to_pylist()
    return np.array(Result.load(SAMPLES / "emoji.results" / "features").values, np.float32), np.array(groups)


def _names(most: int | None) -> tuple[np.ndarray, np.ndarray]:
    """What Python knows of Unicode: names of characters as text features, grouped by their first word (the script)."""
    import pandas as pd

    import explorer

    found = [(chr(code), unicodedata.name(chr(code), "")) for code in range(0x20, 0x1FAFF)]
    named = [name for _, name in found if name and not name.startswith(("CJK", "HANGUL SYLLABLE", "TANGUT", "NUSHU"))]
    chosen = np.random.default_rng(0).permutation(named)[:most]
    words = np.array([name.split()[0] for name in chosen])
    session = explorer.Session(explorer.read(pd.DataFrame({"id": range(len(chosen)), "text": chosen}), text="text", id="id"))
    return np.asarray(session.extract("characters").values), words


# One fit, in a process of its own


def _fit(who: str, data: str, metric: str = "euclidean", seed: int = 0, threads: int = 0, out: str = "") -> dict[str, Any]:
    """Seconds since this process began to import, peak memory in MB, and where the map is."""
    started = time.perf_counter()
    if threads:
        os.sched_setaffinity(0, range(threads))  # before anything asks how many cores there are
    vectors = np.load(data)
    if who == "explorer":
        from explorer.reduction.umap import UMAP

        layout = UMAP(metric=metric, random_state=seed).run(vectors).values
    else:
        warnings.simplefilter("ignore")
        import umap

        layout = umap.UMAP(metric=metric, random_state=seed).fit_transform(vectors)
    seconds = time.perf_counter() - started
    if out:
        np.save(out, layout)
    return {"seconds": seconds, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "bytes": _digest(layout)}


def _alone_one(who: str, folder: str, epochs: int) -> dict[str, Any]:
    """The second of two runs of the layout alone, so that nothing is compiled while it runs."""
    import scipy.sparse as sparse

    graph, start = sparse.load_npz(f"{folder}/graph.npz"), np.load(f"{folder}/start.npy")
    run = _ours(epochs) if who == "explorer" else _theirs(epochs)
    few = min(2_000, len(start))
    run(graph[:few][:, :few].tocsr(), start[:few].copy())
    began = time.perf_counter()
    layout = run(graph, start.copy())
    return {"seconds": time.perf_counter() - began, "bytes": _digest(layout)}


def _ours(epochs: int) -> Callable[[Any, np.ndarray], np.ndarray]:
    from explorer.progress import Progress
    from explorer.reduction.umap.curve import curve
    from explorer.reduction.umap.settling import Settling, settled

    return lambda graph, start: settled(graph, start, Settling(*curve(1.0, 0.1), epochs), Progress())[0]


def _theirs(epochs: int) -> Callable[[Any, np.ndarray], np.ndarray]:
    warnings.simplefilter("ignore")
    from umap.layouts import optimize_layout_euclidean
    from umap.umap_ import find_ab_params, make_epochs_per_sample

    a, b = find_ab_params(1.0, 0.1)

    def run(graph: Any, start: np.ndarray) -> np.ndarray:
        edges = graph.tocoo()
        edges.data[edges.data < edges.data.max() / epochs] = 0  # as `simplicial_set_embedding` does before it calls this
        edges.eliminate_zeros()
        state = np.random.RandomState(0).randint(-(2**31) + 1, 2**31 - 2, 3).astype(np.int64)
        every = make_epochs_per_sample(edges.data, epochs)
        return optimize_layout_euclidean(
            start, start, edges.row, edges.col, epochs, len(start), every, a, b, state, 1.0, 1.0, 5.0, parallel=False,
            move_other=True,
        )  # fmt: skip

    return run


ONE: dict[str, Callable[..., dict[str, Any]]] = {"fit": _fit, "alone": _alone_one}


def _apart(what: str, **settings: Any) -> dict[str, Any]:
    """What one of `ONE` says in a fresh process, with the whole time from its start as `whole`."""
    began = time.perf_counter()
    command = [sys.executable, __file__, "--one", what, json.dumps(settings)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr[-2_000:])
    return {**json.loads(done.stdout.splitlines()[-1]), "whole": time.perf_counter() - began}


def _digest(array: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()[:16]


# The parts


def _fresh(rounds: int = 2) -> None:
    """Whole fits, in turns; a first process of ours is not counted (numba keeps what it compiles on disk, once a machine)."""
    print("## Whole fits in fresh processes\n\n| data | ours, s | umap-learn, s | times as quick | must |\n|---|--:|--:|--:|--:|")
    with tempfile.TemporaryDirectory() as folder:
        for n, d, metric, must in ((10_000, 50, "euclidean", 8), (50_000, 128, "cosine", 5)):
            data = f"{folder}/data.npy"
            np.save(data, clustered(n, d))
            if n == 10_000:
                _apart("fit", who="explorer", data=data)
            ours, theirs = [], []
            for _ in range(rounds):
                ours.append(_apart("fit", who="explorer", data=data, metric=metric)["whole"])
                theirs.append(_apart("fit", who="umap-learn", data=data, metric=metric)["whole"])
            one, other = min(ours), min(theirs)
            print(f"| {n:,} × {d}, {metric} | {_each(ours)} | {_each(theirs)} | {other / one:.1f} | ≥ {must} |", flush=True)


def _alone(epochs: int = 200) -> None:
    """The layout alone, from the same graph and the same start."""
    print("\n## The layout alone, 200 epochs\n")
    print("| points | ours, s | umap-learn, s | times as quick | must |\n|--:|--:|--:|--:|--:|")
    took = {}
    with tempfile.TemporaryDirectory() as folder:
        for n in (50_000, 500_000):
            _prepared(n, folder)
            ours = [_apart("alone", who="explorer", folder=folder, epochs=epochs)["seconds"] for _ in range(2)]
            theirs = [_apart("alone", who="umap-learn", folder=folder, epochs=epochs)["seconds"]]
            took[n] = min(ours)
            print(f"| {n:,} | {_each(ours)} | {_each(theirs)} | {min(theirs) / min(ours):.1f} | ≥ 4 |", flush=True)
    print(f"\nTen times the points took {took[500_000] / took[50_000]:.1f} times as long (must: ≤ 12).")


def _prepared(n: int, folder: str) -> None:
    import scipy.sparse as sparse

    from explorer.progress import Progress
    from explorer.reduction.umap import UMAP

    step, vectors, nothing = UMAP(), clustered(n, 32), Progress()
    graph = step.fuzzy(step.neighbors(vectors, nothing), nothing)
    sparse.save_npz(f"{folder}/graph.npz", graph, compressed=False)
    np.save(f"{folder}/start.npy", step.start(vectors, graph, nothing))


def _quality() -> None:
    """Four measures on three real collections, three seeds each; then where ours lays some of the items out first."""
    print("\n## What the maps are worth\n\nMean over seeds 0, 1 and 2; ours − umap-learn must not be below −0.01.\n")
    print("| data | measure | ours | umap-learn | difference |\n|---|---|--:|--:|--:|")
    with tempfile.TemporaryDirectory() as folder:
        for name, metric in (*((each, "euclidean") for each in ("digits", "emoji", "names", "all names")), ("clouds", "cosine")):
            vectors, groups = collection(name)
            np.save(f"{folder}/data.npy", vectors)
            made = {who: [_made(who, seed, metric, folder) for seed in SEEDS] for who in ("explorer", "umap-learn")}
            found = {who: [_worth(layout, vectors, groups, metric) for layout in made[who]] for who in made}
            for measure in found["explorer"][0]:
                one, other = (statistics.mean(each[measure] for each in found[who]) for who in ("explorer", "umap-learn"))
                size = f"{name}, {len(vectors):,} × {vectors.shape[1]}"
                print(f"| {size} | {measure} | {one:.4f} | {other:.4f} | {one - other:+.4f} |", flush=True)


def _seeds(count: int = 24) -> None:
    """What k-means finds on a map jumps by several hundredths from seed to seed, for both: of three seeds one learns little."""
    print(f"\n## ARI of k-means over {count} seeds, mean ± standard error\n")
    print("| data | ours | umap-learn | difference |\n|---|--:|--:|--:|")
    with tempfile.TemporaryDirectory() as folder:
        for name in ("digits", "emoji"):
            vectors, groups = collection(name)
            np.save(f"{folder}/data.npy", vectors)
            one, other = (
                np.array([_found(_made(who, seed, "euclidean", folder), groups) for seed in range(count)])
                for who in ("explorer", "umap-learn")
            )
            sides = [f"{each.mean():.4f} ± {_error(each):.4f}" for each in (one, other)]
            apart = f"{one.mean() - other.mean():+.4f} ± {np.hypot(_error(one), _error(other)):.4f}"
            print(f"| {name} | {' | '.join(sides)} | {apart} |", flush=True)


def _error(each: np.ndarray) -> float:
    return float(each.std(ddof=1) / len(each) ** 0.5)


def _found(layout: np.ndarray, groups: np.ndarray) -> float:
    """ARI of k-means with as many clusters as there are groups."""
    from sklearn.cluster import KMeans
    from sklearn.metrics import adjusted_rand_score

    tries = 5 if len(layout) <= FEW else 1
    return float(adjusted_rand_score(groups, KMeans(len(set(groups)), n_init=tries, random_state=0).fit_predict(layout)))


def _made(who: str, seed: int, metric: str, folder: str) -> np.ndarray:
    _apart("fit", who=who, data=f"{folder}/data.npy", metric=metric, seed=seed, out=f"{folder}/map.npy")
    return np.load(f"{folder}/map.npy")


def _worth(layout: np.ndarray, vectors: np.ndarray, groups: np.ndarray, metric: str) -> dict[str, float]:
    """By scikit-learn where all pairs fit into memory, else by `explorer.insight.quality`, which says the same (its tests)."""
    near_by, held, kept = (_of_all if len(vectors) <= FEW else _of_a_sample)(vectors, layout, metric)
    found = {"trustworthiness": near_by, "continuity": held, "15-neighbour recall": kept}
    return found | {"ARI of k-means": _found(layout, groups)}


def _of_all(vectors: np.ndarray, layout: np.ndarray, metric: str) -> tuple[float, float, float]:
    from sklearn.manifold import trustworthiness
    from sklearn.neighbors import NearestNeighbors

    sides = ((vectors, metric), (layout, "euclidean"))
    near = [NearestNeighbors(n_neighbors=15, metric=how).fit(space).kneighbors(return_distance=False) for space, how in sides]
    kept = float(np.mean([len(set(a) & set(b)) / 15 for a, b in zip(*near, strict=True)]))
    near_by = trustworthiness(vectors, layout, n_neighbors=15, metric=metric)
    return float(near_by), float(trustworthiness(layout, vectors, n_neighbors=15)), kept


def _of_a_sample(vectors: np.ndarray, layout: np.ndarray, metric: str) -> tuple[float, float, float]:
    from explorer.insight.quality import measure

    found = measure(vectors, layout, 15, metric)
    return found.trustworthiness.value, found.continuity.value, found.recall.value


def _bytes() -> None:
    """The same seed on one thread, on all, and again."""
    print("\n## The same bytes\n\n| data | one thread | all threads | again | the same |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for n, d in ((10_000, 50), (100_000, 64)):
            np.save(f"{folder}/data.npy", clustered(n, d))
            fits = [_apart("fit", who="explorer", data=f"{folder}/data.npy", threads=threads) for threads in (1, 0, 0)]
            said = [fit["bytes"] for fit in fits]
            print(f"| {n:,} × {d} | {' | '.join(said)} | {'yes' if len(set(said)) == 1 else '**no**'} |", flush=True)


def _first() -> None:
    """From Run to a picture that moves, as a page asks for it: a child process, its interim layouts read from here."""
    import explorer

    print("\n## From Run to the first moving picture, 100,000 × 64\n")
    session = explorer.Session(clustered(100_000, 64))
    session.extract("vectors")
    began = time.perf_counter()
    session.start(session.step("reduce", "pca")).wait()
    plane = time.perf_counter() - began
    for name in ("first run of a warm child", "again, another seed"):
        step = session.step("reduce", "umap", random_state=1 if "again" in name else 0)
        began, seen = time.perf_counter(), []
        job = session.start(step)
        while not job.finished:
            if job.shown > len(seen):
                seen.append(time.perf_counter() - began)
            time.sleep(0.005)
        if job.state != "done":
            raise SystemExit(job.message)
        gaps = np.diff(seen)
        pictures = f"first picture {seen[0]:.2f} s, the next (moved) {seen[1]:.2f} s, then every {statistics.median(gaps):.2f} s"
        print(f"- {name}: {pictures}; done after {time.perf_counter() - began:.1f} s")
    print(f"- PCA: {plane:.2f} s, the child's start included (must: at once; first moving picture ≤ 3 s)")


def _million() -> None:
    print("\n## 1,000,000 × 64\n\n| | seconds | peak memory, MB |\n|---|--:|--:|")
    with tempfile.TemporaryDirectory() as folder:
        np.save(f"{folder}/data.npy", clustered(1_000_000, 64))
        for who in ("explorer", "umap-learn"):
            found = _apart("fit", who=who, data=f"{folder}/data.npy")
            print(f"| {who} | {found['whole']:.0f} | {found['peak']:,.0f} |", flush=True)


def _each(seconds: list[float]) -> str:
    return ", ".join(f"{one:.1f}" for one in seconds)


if __name__ == "__main__":
    main()
