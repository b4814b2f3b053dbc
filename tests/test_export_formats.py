"""Exports with everything that is known: each format comes back through its usual reader, and nothing leaves its folder."""

from __future__ import annotations

import base64
import csv
import io
import json
import os
import subprocess
import sys
import textwrap
import threading
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from waiting import until

import explorer
from explorer import Explorer, InputError, Session
from explorer.cli import main
from explorer.errors import Cancelled
from explorer.exports import download, export, options
from explorer.exports.content import LONG
from explorer.exports.html import harmless
from explorer.exports.paths import DEEPEST, LONGEST, Folders, cleaned
from explorer.selection import Lasso
from explorer.session.exporting import gathered
from explorer.step import Progress, Result
from explorer.views.exporting import Exporting

HARD = [
    "NA", "None", "nan", "", 'a"b', "a\rb", "a\r\nb", "🙂", "مرحبا", "<img src=x onerror=alert(1)>", "=1+1", "parent/child",
    "</script><script>document.title='run'</script>", "\u2028", "CON", "..", "a,b", "true", "7",
]  # fmt: skip
N = 3 * len(HARD)
FORMATS = [".csv", ".parquet", ".jsonl", ".h5ad", ".hf", ".html"]
OF_PICTURES = [".coco.json", ".folders"]


def labelled(session: Session) -> dict[Any, str]:
    """Label every third item with a hard name; ids with their labels."""
    ids = session.dataset.ids[::3]
    for identifier, label in zip(ids, HARD, strict=False):
        session.select([identifier])
        session.label(label)
    session.clear()
    return dict(zip(ids.tolist(), HARD, strict=False))


@pytest.fixture
def session() -> Session:
    """Rows with hard ids and columns, features, a layout, clusters with probabilities, and two label sets."""
    rng = np.random.default_rng(0)
    ids = [f"{label}{row}" for row, label in enumerate(HARD * 3)]
    table = pd.DataFrame({"key": ids, "kind": [*HARD[:-1], None] * 3, "size": rng.normal(size=N), "label": range(N)})
    table["flag"] = np.arange(N) % 2 == 0
    table["many"] = pd.Series([None, *range(N - 1)], dtype="Int64")
    table["vectors"] = list(rng.normal(size=(N, 5)).astype(np.float32))
    session = Session(explorer.read(table, id="key", vectors="vectors"))
    session.extract("vectors")
    session.reduce("pca")
    session.cluster("hdbscan", min_cluster_size=3, on="layout")
    return session


@pytest.fixture
def pictures(tmp_path: Path) -> Session:
    """A folder of pictures, some of one name."""
    rng = np.random.default_rng(0)
    for row in range(12):
        place = tmp_path / "photos" / f"day {row % 3}"
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 255, (10 + row, 20, 3), np.uint8)).save(place / f"p{row // 3}.png")
    return Session(explorer.read(tmp_path / "photos"))


def in_bytes(count: int = 6) -> Session:
    """A table that holds its pictures."""
    made = []
    for row in range(count):
        out = io.BytesIO()
        Image.new("RGB", (8 + row, 6), (row * 40, 0, 0)).save(out, "PNG")
        made.append({"bytes": out.getvalue(), "path": None if row else "a/b/x.png"})
    return Session(explorer.read(pd.DataFrame({"id": [f"i/{row}" for row in range(count)], "picture": made}), id="id"))


# Tables


def read(out: Path) -> pd.DataFrame:
    if out.suffix == ".csv":
        with open(out, newline="", encoding="utf-8") as file:
            return pd.DataFrame(list(csv.DictReader(file)))
    if out.suffix == ".parquet":
        return pq.read_table(out).to_pandas()
    return pd.DataFrame([json.loads(line) for line in out.read_text("utf-8").split("\n")[:-1]])


@pytest.mark.parametrize("ending", [".csv", ".parquet", ".jsonl"])
def test_a_row_says_who_gave_its_label_when_and_why(ending: str, session: Session, tmp_path: Path) -> None:
    given_ = labelled(session)
    session.use_label_set("quality")
    session.select(session.dataset.ids[:4])
    session.label("sharp")
    session.use_label_set("labels")
    rows = read(session.export(tmp_path / f"o{ending}"))
    assert list(rows)[:9] == ["id", "x", "y", "cluster", "label", "label_set", "labeller", "labelled_at", "rule"]
    assert list(rows)[9:] == ["probability", "label.quality", "labeller.quality", "labelled_at.quality"]
    by_id = rows.set_index("id")
    for identifier, label in given_.items():
        row = by_id.loc[identifier]
        assert (row["label"], row["label_set"], row["labeller"]) == (label, "labels", session.user)
        assert pd.Timestamp(row["labelled_at"]).tzinfo is not None
        assert json.loads(row["rule"])["rule"]["ids"] == [identifier]
    without = by_id.drop(index=list(given_))
    nothing = {"", None} if ending == ".csv" else {None}
    for column in ("label", "label_set", "labeller", "labelled_at", "rule"):
        assert {None if pd.isna(value) else value for value in without[column]} <= nothing
    assert rows["label.quality"].iloc[:4].tolist() == ["sharp"] * 4
    assert {None if pd.isna(value) else value for value in rows["label.quality"].iloc[4:]} <= nothing


def test_a_long_rule_stands_once_beside_the_rows(session: Session, tmp_path: Path) -> None:
    places = session.layout.values
    circle = [(40 * np.cos(turn), 40 * np.sin(turn)) for turn in np.linspace(0, 6, 60)]
    session.select(Lasso(circle))
    assert session.label("a") == len(places)
    out = session.export(tmp_path / "o.csv")
    record = json.loads((tmp_path / "o.csv.settings.json").read_text("utf-8"))
    assert {json.loads(rule)["number"] for rule in read(out)["rule"]} == {1}
    assert len(json.dumps(record["rules"]["1"])) > LONG
    assert "lasso" in json.dumps(record["rules"]["1"])


@pytest.mark.parametrize("only", ["all", "selected", "labelled"])
@pytest.mark.parametrize("ending", FORMATS)
def test_only_what_is_asked_for(only: str, ending: str, session: Session, tmp_path: Path) -> None:
    given_ = labelled(session)
    session.select(session.dataset.ids[3:10])
    out = session.export(tmp_path / f"o{ending}", only=only)
    count = {"all": N, "selected": 7, "labelled": len(given_)}[only]
    about = json.loads((tmp_path / f"o{ending}.settings.json").read_text("utf-8"))["export"]
    assert (about["rows"], about["only"]) == (count, only)
    if ending in {".csv", ".parquet", ".jsonl"}:
        assert len(read(out)) == count
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"o{ending}", f"o{ending}.settings.json"]


def test_a_choice_of_nothing_is_said(session: Session, tmp_path: Path) -> None:
    for only, says in (("selected", "nothing is selected"), ("labelled", "nothing is labelled"), ("half", "known are all")):
        with pytest.raises(InputError, match=says):
            session.export(tmp_path / "o.csv", only=only)
    with pytest.raises(InputError, match=r"no setting of '.csv' is called 'files'"):
        session.export(tmp_path / "o.csv", files="links")
    with pytest.raises(InputError, match="one of links, copies"):
        session.export(tmp_path / "o.folders", files="moved")
    for ending in OF_PICTURES:
        with pytest.raises(InputError, match="this format is of pictures"):
            session.export(tmp_path / f"o{ending}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("ending", [*FORMATS, *OF_PICTURES])
def test_stop_leaves_nothing_behind(ending: str, tmp_path: Path) -> None:
    session = in_bytes()
    content = gathered(with_layout(session))
    told: list[float] = []

    def stop(fraction: float, note: str) -> None:
        told.append(fraction)

    progress = Progress(stop, lambda: bool(told))
    place = tmp_path / "out"
    place.mkdir()
    with pytest.raises(Cancelled):
        export(content, place / f"o{ending}", options(ending), progress=progress)
    assert list(place.iterdir()) == []


def with_layout(session: Session) -> Session:
    """The same with places, as a layout that came with the data."""
    places = np.random.default_rng(1).normal(size=(len(session.dataset), 2)).astype(np.float32)
    session.adopt(Result(places, "reduce", "umap", {}, session.dataset.fingerprint, "places"))
    return session


# AnnData


def test_h5ad_comes_back(session: Session, tmp_path: Path) -> None:
    anndata = pytest.importorskip("anndata")
    given_ = labelled(session)
    out = session.export(tmp_path / "o.h5ad")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the library's own, about pandas
        back = anndata.read_h5ad(out)
    assert back.obs_names.tolist() == session.dataset.ids.tolist()
    assert np.array_equal(back.X, session.features.values)
    assert np.array_equal(back.obsm["X_pca"], session.layout.values)
    labels = [None if pd.isna(label) else label for label in back.obs["label"]]
    assert labels == [given_.get(identifier) for identifier in session.dataset.ids.tolist()]
    assert back.obs["cluster"].tolist() == session.clusters.values.tolist()
    kinds = [None if pd.isna(kind) else kind for kind in back.obs["kind"]]
    assert kinds == [*HARD[:-1], None] * 3
    assert back.obs["label (column)"].tolist() == list(range(N))
    assert np.array_equal(back.obs["size"], session.dataset.column("size"))
    assert [bool(flag) for flag in back.obs["flag"]] == [row % 2 == 0 for row in range(N)]
    assert [None if pd.isna(value) else int(value) for value in back.obs["many"]] == [None, *range(N - 1)]
    assert json.loads(back.uns["explorer"])["dataset"]["items"] == N


def test_h5ad_without_features_or_layout(tmp_path: Path) -> None:
    anndata = pytest.importorskip("anndata")
    session = in_bytes()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        back = anndata.read_h5ad(session.export(tmp_path / "o.h5ad"))
    assert back.shape == (6, 0)
    assert list(back.obsm) == []


def test_h5ad_says_what_is_missing(session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(InputError, match=r"pip install 'embedding-explorer\[anndata\]'"):
        session.export(tmp_path / "o.h5ad")
    assert list(tmp_path.iterdir()) == []


def test_h5ad_refuses_what_it_cannot_hold(session: Session, tmp_path: Path) -> None:
    pytest.importorskip("h5py")
    session.select(session.dataset.ids[:1])
    session.label("a\0b")
    with pytest.raises(InputError, match="NUL"):
        session.export(tmp_path / "o.h5ad")


# Hugging Face


def test_hugging_face_comes_back(session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets = pytest.importorskip("datasets")
    given_ = labelled(session)
    monkeypatch.setattr("explorer.exports.huggingface.MOST_ROWS", 10)
    monkeypatch.setattr("explorer.exports.huggingface.SHARD", 4_000)
    out = session.export(tmp_path / "o.hf")
    shards = sorted(path.name for path in (out / "data").iterdir())
    assert shards == [f"train-{number:05d}-of-{len(shards):05d}.parquet" for number in range(len(shards))]
    assert len(shards) > 2
    back = load(datasets, out, tmp_path)
    assert back["id"] == session.dataset.ids.tolist()
    kind = back.features["label"]
    assert isinstance(kind, datasets.ClassLabel)
    labels = [None if code is None else kind.int2str(code) for code in back["label"]]
    assert labels == [given_.get(identifier) for identifier in session.dataset.ids.tolist()]
    assert np.array_equal(np.array(back["features"], np.float32), session.features.values)
    assert back["kind"] == [*HARD[:-1], None] * 3
    assert np.array_equal(np.array(back["x"], np.float32), session.layout.values[:, 0])


def load(datasets: Any, out: Path, cache: Path) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the library's own
        made = datasets.load_dataset(str(out), split="train", cache_dir=str(cache / "cache"))
        return made if "image" in made.features else Lists(made)


class Lists:
    """A dataset whose columns are lists, in whichever way the library's version gives them."""

    def __init__(self, made: Any) -> None:
        self.features = made.features
        self._columns = made.to_dict()

    def __getitem__(self, name: str) -> list[Any]:
        return self._columns[name]


def test_hugging_face_has_the_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets = pytest.importorskip("datasets")
    session = in_bytes()
    session.select(["i/1"])
    session.label("red")
    back = load(datasets, session.export(tmp_path / "o.hf"), tmp_path)
    assert [row["image"].size for row in back] == [(8 + row, 6) for row in range(6)]
    assert [row["label"] for row in back] == [None, 0, None, None, None, None]
    assert back.features["label"].names == ["red"]


def test_hugging_face_files_are_plain_parquet(tmp_path: Path) -> None:
    out = in_bytes().export(tmp_path / "o.hf", pictures=False)
    table = pq.read_table(out / "data")
    assert table["id"].to_pylist() == [f"i/{row}" for row in range(6)]
    assert "image" not in table.column_names
    assert "train-*.parquet" in (out / "README.md").read_text("utf-8")


# Pictures


def test_coco_comes_back(tmp_path: Path) -> None:
    session = in_bytes()
    for identifier, label in (("i/1", "bird/owl"), ("i/3", "NA"), ("i/4", "bird/owl")):
        session.select([identifier])
        session.label(label)
    session.create_category("")
    out = session.export(tmp_path / "o.coco.json")
    made = json.loads(out.read_text("utf-8"))
    assert [(image["width"], image["height"]) for image in made["images"]] == [(8 + row, 6) for row in range(6)]
    assert [image["item"] for image in made["images"]] == [f"i/{row}" for row in range(6)]
    names = [(category["name"], category["supercategory"]) for category in made["categories"]]
    assert names == [("bird/owl", "bird"), ("NA", ""), ("", "")]
    assert [annotation["bbox"] for annotation in made["annotations"]] == [[0, 0, 9, 6], [0, 0, 11, 6], [0, 0, 12, 6]]
    coco = pytest.importorskip("pycocotools.coco")
    read_ = coco.COCO(str(out))
    owls = read_.getImgIds(catIds=read_.getCatIds(catNms=["bird/owl"]))
    assert [image["item"] for image in read_.loadImgs(sorted(owls))] == ["i/1", "i/4"]


def index(out: Path) -> dict[str, tuple[str, str]]:
    with open(out / "index.csv", newline="", encoding="utf-8") as file:
        return {row["id"]: (row["file"], row["label"]) for row in csv.DictReader(file)}


@pytest.mark.parametrize("files", ["links", "copies"])
def test_folders_by_category(files: str, pictures: Session, tmp_path: Path) -> None:
    ids = pictures.dataset.ids.tolist()
    names = ["Bird", "bird", "bird/owl", "..", "CON", "index.csv", "_unlabelled", ""]
    for identifier, label in zip(ids, names, strict=False):
        pictures.select([identifier])
        pictures.label(label)
    out = pictures.export(tmp_path / "o.folders", files=files)
    found = index(out)
    assert list(found) == ids
    assert [label for _, label in found.values()] == [
        "Bird",
        "bird",
        "bird/owl",
        "..",
        "CON",
        "index.csv",
        "_unlabelled",
        *[""] * 5,
    ]
    for row, (file, _) in enumerate(found.values()):
        given_ = pictures.dataset.picture(row)
        place = out / file
        assert place.is_symlink() == (files == "links")
        with Image.open(place) as image:
            assert image.size == given_.size
    assert len({file.casefold() for file, _ in found.values()}) == 12, "no two are one where capitals are the same"
    assert [file.split("/")[0] for file, _ in list(found.values())[8:]] == ["_unlabelled"] * 4
    assert all(not file.startswith("_unlabelled/") for file, _ in list(found.values())[:8])
    assert (out / "bird 2" / "owl").is_dir()
    only = pictures.export(tmp_path / "labelled.folders", only="labelled", files=files)
    assert not (only / "_unlabelled").exists()
    assert len(index(only)) == 8


def test_pictures_of_a_table_are_written(tmp_path: Path) -> None:
    session = in_bytes()
    out = session.export(tmp_path / "o.folders")
    files = [file for file, _ in index(out).values()]
    assert files == ["_unlabelled/x.png", *(f"_unlabelled/{row}.png" for row in range(1, 6))]
    with Image.open(out / files[3]) as image:
        assert image.size == (11, 6)


def test_a_folder_is_replaced_only_where_an_export_wrote_it(pictures: Session, tmp_path: Path) -> None:
    mine = tmp_path / "o.folders"
    mine.mkdir()
    (mine / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match="there already"):
        pictures.export(mine)
    with pytest.raises(InputError, match="no export wrote"):
        pictures.export(mine, force=True)
    assert (mine / "thesis.txt").read_text() == "years of work"
    (tmp_path / "p.folders").write_text("a file")
    with pytest.raises(InputError, match="is a file"):
        pictures.export(tmp_path / "p.folders", force=True)
    out = pictures.export(tmp_path / "q.folders")
    pictures.select(pictures.dataset.ids[:1])
    pictures.label("new")
    pictures.export(tmp_path / "q.folders", force=True)
    assert (out / "new").is_dir()
    assert len(list((tmp_path / "photos").rglob("*.png"))) == 12, "what links lead to stays"
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_a_file_that_is_no_picture_is_not_handed_on(tmp_path: Path) -> None:
    (tmp_path / "secret.png").write_text("root:x:0:0")
    (tmp_path / "in").mkdir()
    for row in range(3):
        Image.new("RGB", (4, 4)).save(tmp_path / "in" / f"{row}.png")
    table = pd.DataFrame({"id": list("abcd"), "file": ["0.png", "../secret.png", "1.png", "2.png"]})
    table.to_csv(tmp_path / "in" / "list.csv", index=False)
    session = Session(explorer.read(tmp_path / "in" / "list.csv", id="id", image="file"))
    found = index(session.export(tmp_path / "o.folders"))
    assert [file for file, _ in found.values()] == ["_unlabelled/0.png", "", "_unlabelled/1.png", "_unlabelled/2.png"]
    assert json.loads(session.export(tmp_path / "o.coco.json").read_text())["info"]["unreadable"] == ["b"]


def test_a_full_disk_leaves_the_folder_that_was_there(tmp_path: Path) -> None:
    code = textwrap.dedent("""
        import resource, signal, sys
        sys.path.insert(0, sys.argv[1])
        from test_export_formats import *
        session = in_bytes()
        out = session.export(sys.argv[2] + "/o.folders")
        session.select(["i/1"])
        session.label("new")
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        for limit in (0, 60, 200):
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
            try:
                session.export(out, force=True)
            except InputError as problem:
                assert "nothing was" in str(problem), problem
            else:
                raise AssertionError(limit)
    """)
    subprocess.run([sys.executable, "-c", code, str(Path(__file__).parent), str(tmp_path)], check=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["o.folders", "o.folders.settings.json"]
    assert len(index(tmp_path / "o.folders")) == 6
    assert not (tmp_path / "o.folders" / "new").exists()


def test_killed_while_a_folder_is_written_it_is_whole(tmp_path: Path) -> None:
    code = textwrap.dedent("""
        import sys
        sys.path.insert(0, sys.argv[1])
        from test_export_formats import *
        session = in_bytes(40)
        print("ready", flush=True)
        while True:
            session.export(sys.argv[2] + "/o.folders", force=True)
    """)
    out = tmp_path / "o.folders"
    for wait in (0.02, 0.1, 0.2):
        command = [sys.executable, "-c", code, str(Path(__file__).parent), str(tmp_path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            child.stdout.readline()
            with pytest.raises(subprocess.TimeoutExpired):
                child.wait(wait)
            child.kill()
        if out.exists():
            assert sum(1 for _ in (out / "_unlabelled").iterdir()) == len(index(out)) == 40


# Names


name = st.text(max_size=300) | st.sampled_from(
    [*HARD, "a/b", "A/b", "a", "../../etc", "/etc/passwd", "C:\\x", "a.", "a ", "ﬁ", "fi", "a" * 400]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(name, max_size=12, unique=True))
def test_every_category_has_a_safe_place_of_its_own(categories: list[str]) -> None:
    places = Folders("index.csv")
    found = [places.place(category) for category in categories]
    folded = {tuple(part.casefold() for part in place) for place in found}
    assert len(folded) == len(categories)
    for place in found:
        assert 0 < len(place) <= DEEPEST
        for part in place:
            assert part not in {"", ".", ".."}
            assert len(part.encode()) <= LONGEST + 8
            assert not set(part) & set('<>:"/\\|?*\0\n\r\t')
            assert part == part.strip().rstrip(". ")
            assert os.path.normpath(part) == part
            part.encode()
    assert [places.place(category) for category in categories] == found, "the same place each time"


@pytest.mark.parametrize(
    ("given_", "made"),
    [
        ("..", "_"), ("", "_"), (".hidden", "_hidden"), ("CON", "_CON"), ("com1.txt", "_com1.txt"), ("a.", "a"), ("a:b", "a_b"),
        ("nul", "_nul"), ("console", "console"), ("a\u202egpj.exe", "a_gpj.exe"), ("مرحبا", "مرحبا"), ("👩‍🚀", "👩‍🚀"),
        ("\ud800", "_"),
    ],
)  # fmt: skip
def test_names_are_cleaned(given_: str, made: str) -> None:
    assert cleaned(given_) == made


# One page


def test_the_page_holds_no_markup_of_the_data(session: Session, tmp_path: Path) -> None:
    labelled(session)
    text = session.export(tmp_path / "o.html").read_text("utf-8")
    assert text.count("<script") == 2
    rules = text.split('Content-Security-Policy" content="')[1].split('"')[0].split("; ")
    assert rules[0] == "default-src 'none'"
    assert [rule.split(" ")[0] for rule in rules[1:]] == ["style-src", "script-src", "img-src", "base-uri", "form-action"]
    assert "unsafe" not in str(rules)
    assert "onerror" in text, "the label is there"
    assert "<img" not in text
    data = text.split('id="data">')[1].split("</script>")[0]
    made = json.loads(data)
    assert not set(data) & set("<>&")
    assert made["count"] == N
    legends = {legend["title"]: legend["names"] for legend in made["legends"]}
    assert set(HARD) <= set(legends["label"])
    assert made["titles"][:3] == [f"{label}{row}" for row, label in enumerate(HARD[:3])]


@given(st.text())
def test_any_text_stands_in_the_page_and_comes_back(text: str) -> None:
    written = harmless(json.dumps(text, ensure_ascii=False)).decode()
    assert json.loads(written) == text
    assert not set(written) & set("<>&\u2028\u2029")


def test_every_point_is_in_the_page(session: Session, tmp_path: Path) -> None:
    made = json.loads(session.export(tmp_path / "o.html").read_text("utf-8").split('id="data">')[1].split("</script>")[0])
    left, bottom, wide, tall = made["box"]
    x, y = (np.frombuffer(base64.b64decode(made[axis]), "<u2") / 65_535 for axis in "xy")
    places = np.stack([left + x * wide, bottom + y * tall], axis=1)
    assert np.abs(places - session.layout.values).max() <= max(wide, tall) / 65_535
    codes = np.frombuffer(base64.b64decode(made["legends"][0]["codes"]), "u1")
    assert len(codes) == N
    with pytest.raises(InputError, match="no layout yet"):
        Session(session.dataset).export(tmp_path / "p.html")


# Downloads


@pytest.mark.parametrize("ending", [*FORMATS, *OF_PICTURES])
def test_a_download_is_what_the_export_is(ending: str, tmp_path: Path) -> None:
    session = with_layout(in_bytes())
    session.select(["i/1"])
    session.label("red")
    out = session.export(tmp_path / f"o{ending}")
    with open(tmp_path / "download", "w+b") as file:
        name = download(gathered(session), ending, options(ending), file, Progress())
        if out.is_file():
            file.seek(0)
            assert name == ending
            assert file.read() == out.read_bytes() or ending == ".h5ad"  # which holds its times
        else:
            assert name == f"{ending}.zip"
            with zipfile.ZipFile(file) as archive:
                assert archive.testzip() is None
                files = {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()}
                assert {info.filename: archive.read(info) for info in archive.infolist()} == files


def test_a_visit_can_stop_its_export(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page hears how far it is; stopped, nothing is sent, and the next export may begin."""
    sent: list[dict[str, Any]] = []
    begun, go = threading.Event(), threading.Event()
    monkeypatch.setattr("explorer.views.pages.Pages.deliver", lambda page, message: sent.append(message))
    view = Explorer(with_layout(in_bytes()))
    exporting = next(part for part in view.parts if isinstance(part, Exporting))
    drawn = exporting.session.dataset.picture

    made = []

    def slow(*given: Any, **options: Any) -> Any:
        made.append(given)
        begun.set()
        assert go.wait(90)
        return drawn(*given, **options)

    monkeypatch.setattr("explorer.exports.html.sprites.ACROSS", 1)
    object.__setattr__(exporting.session.dataset, "picture", slow)
    exporting.on_export(".html")
    assert begun.wait(90)
    with pytest.raises(InputError, match="being written already"):
        exporting.on_export(".csv")
    exporting.on_stop_export()
    go.set()
    until(lambda: [message for message in sent if message.get("set", {}).get("exporting", 0) is None], "that the end is told")
    assert len(made) == 1, "the other pictures are not made any more"
    assert [message["toast"]["text"] for message in sent if "toast" in message] == ["stopped; nothing was written"]
    assert not [message for message in sent if "part" in message]
    told = [message["set"]["exporting"] for message in sent if "exporting" in message.get("set", {})]
    assert told[0] == {"fraction": 0.0, "note": ""}
    assert told[-1] is None
    exporting.on_export(".csv")
    until(lambda: [message["part"]["name"] for message in sent if "part" in message], "the next one")
    until(lambda: exporting._stop is None, "its end")  # which comes after the file is on its way
    with pytest.raises(InputError, match="no setting"):
        exporting.on_export(".csv", settings={"files": 1})
    view.close()


# The command line


def test_the_command_line_writes_them(pictures: Session, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = str(tmp_path / "w")
    session = Session(explorer.read(tmp_path / "photos"), kept)
    session.select(session.dataset.ids[:5])
    session.label("a/b")
    session.workspace.close()
    out = tmp_path / "o.folders"
    assert main(["export", kept, "-o", str(out), "--only", "labelled", "--with", "files=copies"]) == 0
    assert "5 rows" in capsys.readouterr().out
    assert len(list((out / "a" / "b").iterdir())) == 5
    assert not any(path.is_symlink() for path in out.rglob("*"))
    for more, says in (
        (["--with", "files"], "is not SETTING=VALUE"),
        (["--with", "file=copies"], "did you mean 'files'"),
        (["--with", "files=x"], "one of links, copies"),
        (["--only", "chosen"], "known are all, selected, labelled"),
    ):
        assert main(["export", kept, "-o", str(tmp_path / "p.folders"), *more]) == 2
        assert says in capsys.readouterr().err
    assert main(["export", kept, "-o", str(tmp_path / "g.csv"), "--gone"]) == 2
    assert "gone from the source" in capsys.readouterr().err
    pd.DataFrame({"a": range(9), "b": range(9)}).to_csv(tmp_path / "t.csv", index=False)
    for more, says in ((["o.coco.json"], "is of pictures"), (["o.csv", "--only", "labelled"], "leave --only out")):
        assert main(["run", str(tmp_path / "t.csv"), "-o", str(tmp_path / more[0]), *more[1:]]) == 2
        said = capsys.readouterr().err
        assert says in said
        assert "extract" not in said, "it is said before anything is computed"


def test_labels_of_what_is_gone_are_exported(tmp_path: Path) -> None:
    table = pd.DataFrame({"key": [f"k{row}" for row in range(8)], "a": range(8), "b": range(8)})
    kept = str(tmp_path / "w")
    session = Session(explorer.read(table, id="key"), kept)
    session.select(["k6", "k7"])
    session.label("NA")
    session.workspace.close()
    fewer = Session(explorer.read(table.iloc[:7], id="key"), kept)
    fewer.workspace.close()
    assert main(["export", kept, "-o", str(tmp_path / "g.csv"), "--gone"]) == 0
    rows = read(tmp_path / "g.csv")
    assert rows[["id", "label", "label_set"]].to_numpy().tolist() == [["k7", "NA", "labels"]]
    assert read(fewer.export(tmp_path / "o.csv"))["label"].tolist() == [*[""] * 6, "NA"]
