"""AnnData: .h5ad files and .zarr folders, by their published format (https://anndata.readthedocs.io/en/stable/fileformat-prose.html)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from explorer.dataset.sparse import Sparse
from explorer.errors import InputError, listed, unknown
from explorer.sources import counts
from explorer.sources.found import Found
from explorer.sources.ids import from_column
from explorer.sources.observations import column, index_of, names_in, texts_of
from explorer.sources.options import Options, tidy_name
from explorer.sources.stores import Node, opened
from explorer.sources.written import typed

MATRIX = "X"
AS_VECTORS = ("X_pca", "X_scVI", "X_scANVI", "X_totalVI", "X_pca_harmony", "X_harmony", "X_lsi", "X_svd")
AS_LAYOUT = ("X_umap", "X_tsne")
FEW = 50  # categories; where there are many more, a column of them may be of texts or names
OWN = "explorer"  # what our own exports have in `uns`


def fits(folder: Path) -> bool:
    """Whether a folder is a Zarr store of AnnData."""
    stored = any((folder / name).is_file() for name in (".zgroup", "zarr.json"))
    return folder.suffix.lower() == ".zarr" or (stored and (folder / "obs").is_dir())


def read_h5ad(path: Path, options: Options) -> Found:
    """A .h5ad file.

    Raises
    ------
    MissingExtra
        When h5py is not installed.
    InputError
        When it is damaged, of a form from before 2019, or its matrix is dense and does not fit into memory.
    """
    with opened(path) as root:
        return found_in(path.name, root, options, path.parent)


def read_zarr(path: Path, options: Options) -> Found:
    """A .zarr folder. Raises as `read_h5ad` does."""
    if not path.is_dir():
        raise InputError(f"{path.name!r} is a file, and Zarr data is a folder: unpack it, or give a .h5ad file")
    with opened(path) as root:
        return found_in(path.name, root, options, path.parent)


def found_in(name: str, root: Node, options: Options, folder: Path | None) -> Found:
    """What a store of AnnData holds; pictures that its columns name lie in `folder`."""
    if "obs" not in root or root["obs"].is_array:
        why = "is of a form from before 2019" if "obs" in root else "holds no AnnData (there is no obs)"
        raise InputError(f"{name} {why}: read it with a newer anndata and write it again")
    index = index_of(root["obs"])
    n = len(index)
    table, kinds, notes = _table(root["obs"], n)
    found = Found(name, table, kinds=kinds, root=folder, notes=notes)
    identifiers = from_column(typed(index, ids=True)[0], f"{name}: the index of obs")
    if len(set(identifiers.tolist())) == n:
        found.ids = identifiers
    else:
        found.notes.append("the index of obs has repeated values; items go by row number instead")
    _Matrices(root, n, options).into(found)
    return found


def _table(obs: Node, n: int) -> tuple[pa.Table, dict[str, str], list[str]]:
    made: dict[str, pa.ChunkedArray] = {}
    kinds, skipped = {}, []
    for name in names_in(obs):
        values, categories = column(obs, name, n)
        if values is None:
            skipped.append(tidy_name(name))
            continue
        made[name] = values
        if categories is not None and categories <= max(FEW, n / 5):
            kinds[name] = "category"
    notes = [f"columns of obs in a form that is not read: {listed(map(repr, skipped))}"] if skipped else []
    return pa.table(made), kinds, notes


class _Matrices:
    """Which of X and obsm become the vectors, the layout and the sparse matrix, by what was asked for and by their names."""

    def __init__(self, root: Node, n: int, options: Options) -> None:
        self._root, self._n, self._options = root, n, options
        self._beside = self._embeddings()
        self._layout = self._choose_layout()
        self._sparse = MATRIX in root and bool(counts.form(root[MATRIX]))
        self._vectors = self._choose_vectors()

    def into(self, found: Found) -> None:
        """Read them and say of the others that they are there."""
        advice = self._advice()
        for key in dict.fromkeys(filter(None, (self._vectors, self._layout))):
            node = self._root[MATRIX] if key == MATRIX else self._beside[key]
            if key == MATRIX and not (node.is_array and self._fits(node)):
                raise InputError(f"{node.what} has the shape {node.shape} and {self._n:,} rows of obs are beside it: {advice}")
            read = counts.dense(node, advice)
            found.arrays[key] = np.array(read) if key == self._layout else read
        found.layout = self._layout
        if self._sparse:
            found.matrix, found.matrix_name = self._read_sparse(), MATRIX
        found.notes += self._notes()

    def _embeddings(self) -> dict[str, Node]:
        group = self._root.get("obsm")
        nodes = {name: group[name] for name in group.names} if group is not None else {}
        return {name: node for name, node in nodes.items() if node.is_array and self._fits(node)}

    def _fits(self, node: Node) -> bool:
        return len(node.shape) == 2 and node.shape[0] == self._n and node.shape[1] > 0 and node.kind in {"b", "i", "u", "f"}

    def _choose_layout(self) -> str | None:
        asked = self._options.layout
        if len(asked) == 1:
            if asked[0] not in self._beside:
                raise unknown(f"layout in {self._root.what}", asked[0], self._beside)
            return asked[0]
        pairs = [name for name, node in self._beside.items() if node.shape[1] == 2]
        own = "uns" in self._root and OWN in self._root["uns"] and pairs[:1]
        return None if asked else next((name for name in (*AS_LAYOUT, *(own or ())) if name in pairs), None)

    def _choose_vectors(self) -> str | None:
        asked = self._options.vectors
        if asked:
            offered = [*self._beside, *([MATRIX] if MATRIX in self._root else [])]
            if asked not in offered:
                raise unknown(f"vectors in {self._root.what}", asked, offered)
            return None if asked == MATRIX and self._sparse else asked
        if self._options.columns:
            return None
        usual = [name for name in AS_VECTORS if name in self._beside and name != self._layout]
        dense = MATRIX in self._root and self._root[MATRIX].is_array and self._fits(self._root[MATRIX])
        return usual[0] if usual else MATRIX if dense else None

    def _read_sparse(self) -> Sparse:
        node = self._root[MATRIX]
        var = self._root.get("var")
        names = tuple(tidy_name(name) for name in texts_of(index_of(var))) if var is not None and not var.is_array else ()
        return counts.sparse(node, self._n, names)

    def _advice(self) -> str:
        others = [name for name in (*AS_VECTORS, *self._beside) if name in self._beside and name != self._layout]
        named = f"name others with --vectors {others[0]}, or " if others else ""
        return f"{named}write it as a sparse matrix, which may be larger than memory"

    def _notes(self) -> list[str]:
        taken = {self._vectors: "vectors", self._layout: "layout"}
        notes = []
        for key, what in taken.items():
            if key:
                where = MATRIX if key == MATRIX else f"obsm: {key}"
                notes.append(f"the {what} {'are' if what == 'vectors' else 'is'} {where}")
        if others := [name for name in self._beside if name not in taken]:
            notes.append(f"obsm also has {listed(others, 12)}: name one with --vectors or --layout")
        for key, what in (("layers", "layers"), ("raw", "raw counts")):
            group = self._root.get(key)
            if group is not None and group.names:
                inside = f" ({listed(map(tidy_name, group.names))})" if key == "layers" else ""
                notes.append(f"there are also {what}{inside}, which are not read")
        return notes


__all__ = ["fits", "found_in", "read_h5ad", "read_zarr"]
