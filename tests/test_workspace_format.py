"""The format as docs/workspace.md tells it: its examples, which tests/test_docs.py runs, are what the code writes and reads."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
from test_workspace import assign, dataset

from explorer.labels import Category, Change
from explorer.workspace import FORMAT, Workspace
from explorer.workspace.files import sum_of
from explorer.workspace.journal import Entry, digest
from explorer.workspace.packing import pack, pack_categories, unpack

PAGE = Path(__file__).parent.parent / "docs" / "workspace.md"


def test_the_examples_are_what_the_code_writes() -> None:
    text = PAGE.read_text("utf-8")
    block = text[text.index("bytes.fromhex(") : text.index(">>> head, _, body")]
    written = bytes.fromhex("".join(re.findall(r'"([0-9a-f]+)"', block)))
    owl = Category("owl", "#e69f00", 2)
    codes = np.array([0, 0, 1], np.int32), np.array([2, 2, 2], np.int32)
    change = Change("label 'owl'", np.array([2, 3, 7]), *codes, {2: (None, owl)})
    again = unpack(written, "label 'owl'", pack_categories(change.categories))
    for name in ("rows", "before", "after"):
        assert getattr(again, name).tolist() == getattr(change, name).tolist()
    assert again.categories == change.categories
    assert unpack(pack(change), "", "{}").rows.tolist() == [2, 3, 7]
    entry = Entry(5, "2026-01-02T03:04:05.678+00:00", "ann", "v1", "a-1", verb="label 'owl'", items=3)
    assert digest(entry, pack_categories(change.categories), None, written).hex() in text


def test_the_tables_are_those_of_the_page(tmp_path: Path) -> None:
    text = PAGE.read_text("utf-8")
    with closing(Workspace(dataset(), tmp_path / "w")) as workspace:
        assign(workspace, ["item-1"], "x")
    with closing(sqlite3.connect(tmp_path / "w" / "journal.sqlite")) as journal:
        assert journal.execute("PRAGMA user_version").fetchone() == (FORMAT,)
        for table in ("about", "ids", "journal", "views"):
            part = text[text.index(f"**`{table}`**") :]
            for row in journal.execute(f"PRAGMA table_info({table})"):
                assert f"`{row[1]}`" in part[:3000]
    kept = json.loads((tmp_path / "w" / "manifest.json").read_text())
    assert kept.pop("sum") == sum_of(kept)
    assert f"version {FORMAT}" in text
