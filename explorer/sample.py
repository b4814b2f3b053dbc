"""The sample data that ships: beside the package in a wheel, at the repository's root in a checkout."""

from __future__ import annotations

from pathlib import Path

from explorer.errors import InputError, unknown

_PACKAGE = Path(__file__).resolve().parent
FOLDERS = (_PACKAGE / "sample_data", _PACKAGE.parent / "sample_data")


def sample(name: str) -> Path:
    """The path of a sample file: ``sample("emoji.parquet")``.

    Raises
    ------
    InputError
        For a name that is not a sample, or an installation without them.
    """
    for folder in FOLDERS:
        if (folder / name).exists():
            return folder / name
    names = sorted({path.name for folder in FOLDERS for path in folder.glob("*.parquet")})
    if not names:
        raise InputError("this installation has no sample data; install embedding-explorer from its wheel, or open your own data")
    raise unknown("sample", name, names)
