"""The shipped digits from file to clusters: `explorer run` beside a plain script of umap-learn and HDBSCAN with the same settings.

    python benchmarks/digits.py [--rounds 2] [--seeds 6]

Every run is a process of its own, imports and reading included; they take turns. ARI is the agreement of the clusters with the true
digits (1 is perfect), over all items (noise counts as one more group) and over those that are not noise. One seed says little of
which layout is better: last comes the mean over several.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from startup import machine

DIGITS = Path(__file__).parent.parent / "sample_data" / "digits.parquet"
SETTINGS = {"n_neighbors": 15, "min_dist": 0.1, "metric": "euclidean", "random_state": 0}
SIZE, SAMPLES = 20, 5  # min_cluster_size and min_samples, scikit-learn's way of counting

# What one writes first; fast_hdbscan does not count an item among its own neighbours.
PLAIN = f"""
import sys
import numpy as np
import pandas as pd
import umap

frame = pd.read_parquet(sys.argv[1], columns=["id", "pixels"])
vectors = np.stack(frame["pixels"]).astype(np.float32)
layout = umap.UMAP(**{SETTINGS}).fit_transform(vectors)
if sys.argv[3] == "fast":
    from fast_hdbscan import HDBSCAN
    model = HDBSCAN(min_cluster_size={SIZE}, min_samples={SAMPLES - 1})
else:
    from sklearn.cluster import HDBSCAN
    model = HDBSCAN(min_cluster_size={SIZE}, min_samples={SAMPLES}, copy=True)
pd.DataFrame({{"id": frame["id"], "cluster": model.fit(layout).labels_}}).to_csv(sys.argv[2], index=False)
"""


def main() -> None:
    """Print one row for each of the three ways."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--seeds", type=int, default=6)
    given = parser.parse_args()
    print(machine(), "\n")
    with tempfile.TemporaryDirectory() as folder:
        out, script = Path(folder) / "out.csv", Path(folder) / "plain.py"
        script.write_text(PLAIN)
        ways = {"`explorer run`": [sys.executable, "-m", "explorer.cli", "run", str(DIGITS), "-o", str(out), "--force", *_same()]}
        for short, name in (("sklearn", "scikit-learn's HDBSCAN"), ("fast", "fast_hdbscan")):
            ways[f"plain script, umap-learn + {name}"] = [sys.executable, str(script), str(DIGITS), str(out), short]
        seconds: dict[str, list[float]] = {name: [] for name in ways}
        clusters: dict[str, list[np.ndarray]] = {name: [] for name in ways}
        for _ in range(given.rounds):
            for name, command in ways.items():
                seconds[name].append(_timed(command))
                clusters[name].append(_read(out))
                out.unlink()
    _report(seconds, clusters)
    if given.seeds:
        print(f"\n{_over_seeds(given.seeds)}")


def _same() -> list[str]:
    """The settings on the command line, so that a changed default does not make the comparison another one."""
    chosen = [f"reduce.{name}={value}" for name, value in SETTINGS.items()]
    chosen += [f"cluster.min_cluster_size={SIZE}", f"cluster.min_samples={SAMPLES}", "cluster.on=layout"]
    return ["--extract", "vectors", *(part for one in chosen for part in ("--set", one))]


def _timed(command: list[str]) -> float:
    started = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    return time.perf_counter() - started


def _read(out: Path) -> np.ndarray:
    """Clusters by the sample's own order of items."""
    ids = [str(one) for one in pq.read_table(DIGITS, columns=["id"])["id"].to_pylist()]
    return pd.read_csv(out, dtype={"id": str}).set_index("id")["cluster"].loc[ids].to_numpy()


def _report(seconds: dict[str, list[float]], clusters: dict[str, list[np.ndarray]]) -> None:
    from sklearn.metrics import adjusted_rand_score as ari

    truth = np.array(pq.read_table(DIGITS, columns=["digit"])["digit"].to_pylist())
    print(f"{len(truth):,} digits, UMAP {SETTINGS}, HDBSCAN min_cluster_size={SIZE} min_samples={SAMPLES} on the layout\n")
    print("| how | seconds, best | seconds, each run | clusters | ARI, all | ARI without noise | noise | same in every run |")
    print("|---|--:|---|--:|--:|--:|--:|---|")
    for name, taken in seconds.items():
        found = clusters[name][0]
        kept = found >= 0
        same = all(np.array_equal(found, other) for other in clusters[name])
        cells = [f"{min(taken):.1f}", ", ".join(f"{one:.1f}" for one in taken), str(found.max() + 1), f"{ari(truth, found):.3f}",
                 f"{ari(truth[kept], found[kept]):.3f}", f"{1 - kept.mean():.1%}", "yes" if same else "no"]  # fmt: skip
        print(f"| {name} | " + " | ".join(cells) + " |")


def _over_seeds(count: int) -> str:
    """The mean ARI of our layout and of umap-learn's own over several seeds, clustered alike, in this process."""
    import warnings

    import umap
    from sklearn.cluster import HDBSCAN
    from sklearn.metrics import adjusted_rand_score as ari

    from explorer.step import find

    warnings.simplefilter("ignore")
    table = pq.read_table(DIGITS, columns=["pixels", "digit"])
    vectors, truth = np.array(table["pixels"].to_pylist(), np.float32), table["digit"].to_pylist()
    found: dict[str, list[float]] = {"explorer": [], "umap-learn": []}
    for seed in range(count):
        same = SETTINGS | {"random_state": seed}
        layouts = find("reduce", "umap", **same).run(vectors).values, umap.UMAP(**same).fit_transform(vectors)
        for scores, layout in zip(found.values(), layouts, strict=True):
            scores.append(ari(truth, HDBSCAN(min_cluster_size=SIZE, min_samples=SAMPLES, copy=True).fit(layout).labels_))
    said = [f"{name} {np.mean(scores):.3f} ({min(scores):.3f} to {max(scores):.3f})" for name, scores in found.items()]
    return f"ARI over seeds 0 to {count - 1}, mean and range: {', '.join(said)}"


if __name__ == "__main__":
    main()
