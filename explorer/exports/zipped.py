"""A folder as one file, since a browser downloads files: a ZIP archive, the same bytes for the same folder."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path
from typing import BinaryIO

from explorer.step import Progress

PACKED = {".csv", ".json", ".md", ".bmp", ".tif", ".tiff"}  # endings of what a ZIP makes smaller; pictures are packed already
PART = 1 << 20


def zip_folder(folder: Path, file: BinaryIO, progress: Progress) -> None:
    """Write all files below a folder into an archive, those that links lead to as well."""
    names = sorted(os.path.relpath(os.path.join(place, name), folder) for place, _, files in os.walk(folder) for name in files)
    with zipfile.ZipFile(file, "w", allowZip64=True) as archive:
        for done, name in enumerate(names):
            progress(done / len(names), f"packing {done:,} of {len(names):,} files")
            about = zipfile.ZipInfo(name.replace(os.sep, "/"))  # its time is 1980, so that the same folder gives the same bytes
            about.external_attr = 0o644 << 16
            about.compress_type = zipfile.ZIP_DEFLATED if Path(name).suffix.lower() in PACKED else zipfile.ZIP_STORED
            with open(folder / name, "rb") as source, archive.open(about, "w", force_zip64=True) as target:
                while part := source.read(PART):
                    target.write(part)
