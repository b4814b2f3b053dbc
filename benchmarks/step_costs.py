"""What layouts and clusters cost: CPU seconds and peak memory over sizes, and beside them what each method's formula says of them.

    python benchmarks/step_costs.py [METHOD ...] [--small | --large] [--wall]

Each run is a process of its own on one thread, so that CPU time is time, whatever else the machine does. The constants in
`takes` are set from what this prints, those of `explorer.installation.takes` from its first line. On a machine that does
nothing else, ``--wall`` prints the seconds that somebody waits instead, on all cores.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys

SIZES = [(2_000, 20), (2_000, 500), (10_000, 50), (10_000, 500), (40_000, 100)]
LARGE = [(20_000, 64), (60_000, 64), (100_000, 64), (300_000, 64), (60_000, 256)]  # of neighbours: all pairs, and a search beyond
METHODS = ["pca", "svd", "ica", "kernel-pca", "lpp", "isomap", "spectral", "umap", "tsne", "pacmap", "tldr"]
CLUSTERERS = ["kmeans", "hdbscan"]
PLANES = [(2_000, 2), (10_000, 2), (40_000, 2), (200_000, 2)]  # as layouts are, which clusters are mostly of
ALONE = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS", "MKL_NUM_THREADS", "EXPLORER_THREADS"), "1")
ONE = """
import json, resource, sys, time
import numpy as np
from explorer.step import find
n, d = int(sys.argv[2]), int(sys.argv[3])
step = find(sys.argv[5], sys.argv[1])
random = np.random.default_rng(0)
centres = random.normal(size=(20, d))
rows = (centres[random.integers(0, 20, n)] + random.normal(size=(n, d))).astype(np.float32)
step.run(rows[:300])  # imports, and whatever is compiled
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
clock = time.perf_counter if sys.argv[4] == "wall" else time.process_time
begun = clock()
notes = step.run(rows).notes
spent = clock() - begun
peak = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
said = step.estimate(n, d)
print(json.dumps([spent, peak, said and [said.seconds, said.memory]]))
"""


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("methods", nargs="*", default=[])
    parser.add_argument("--large", action="store_true", help="the sizes at which neighbours are searched, up to 300,000 items")
    parser.add_argument("--small", action="store_true", help="up to 10,000 items")
    parser.add_argument("--wall", action="store_true", help="seconds on all cores instead of one core's")
    given = parser.parse_args()
    environment = dict(os.environ) if given.wall else os.environ | ALONE
    clock = "wall" if given.wall else "CPU"
    code = "import explorer.installation.takes as e; print(*(round(s * c, 5) for s, c in zip(e.speed(), (e.DENSE, e.SPARSE))))"
    print("DENSE, SPARSE on one thread:", output([code], environment))
    print("DENSE, SPARSE on all threads:", output([code], dict(os.environ)))
    print(f"{'method':12}{'n':>8}{'d':>6}{clock + ' s':>9}{'said s':>9}{'ratio':>7}{'MB':>8}{'said MB':>9}")
    for method in given.methods or METHODS + CLUSTERERS:
        kind, sizes = ("cluster", PLANES + SIZES) if method in CLUSTERERS else ("reduce", SIZES)
        sizes = LARGE if given.large else sizes
        for n, d in (one for one in sizes if one[0] <= 10_000 or not given.small):
            spent, peak, said = json.loads(output([ONE, method, str(n), str(d), clock, kind], environment))
            seconds, held = said or (float("nan"), float("nan"))
            ratio = seconds / max(spent, 1e-9)
            print(f"{method:12}{n:8,}{d:6,}{spent:9.2f}{seconds:9.2f}{ratio:7.1f}{peak / 1e6:8.0f}{held / 1e6:9.0f}", flush=True)


def output(arguments: list[str], environment: dict[str, str]) -> str:
    """What Python prints."""
    done = subprocess.run([sys.executable, "-c", *arguments], env=environment, capture_output=True, text=True, check=True)
    return done.stdout.strip()


if __name__ == "__main__":
    main()
