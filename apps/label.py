"""No screen: find the groups of a file, name those that a rule can tell, and write them down.

python apps/label.py sample_data/digits.parquet groups.csv
"""

import sys

import explorer


def main(source: str, out: str) -> None:
    """Extract, reduce, cluster, select, label, export."""
    session = explorer.Session(explorer.read(source))
    session.extract()
    layout = session.reduce("pca").values
    clusters = session.cluster("kmeans", n_clusters=5)

    for cluster in range(3):  # the three largest clusters, by number
        session.select(explorer.InCluster(cluster))
        session.label(f"group {cluster}")

    (left, bottom), (right, top) = layout.min(axis=0), layout.max(axis=0)
    session.select(explorer.Box(left, bottom, (left + right) / 2, top) & explorer.HasLabel(None))
    if session.selection.any():
        session.label("left, and in no group")

    print(f"{session.dataset}\n{clusters.method}: {session.labels.counts}")
    print(f"written {session.export(out, force=True)}")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python apps/label.py SOURCE OUT.csv")
    try:
        main(*sys.argv[1:])
    except explorer.InputError as problem:
        sys.exit(str(problem))
