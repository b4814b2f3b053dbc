"""`explorer picture`: from a source, from a workspace, and what is wrong in one line."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import explorer
from explorer.cli import main
from explorer.exports.picture import PictureSettings

QUICK = ["--reduce", "pca", "--cluster", "kmeans", "--set", "cluster.n_clusters=3"]
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("data") / "things.csv"
    rng = np.random.default_rng(0)
    numbers = {name: rng.normal(size=60) for name in "ab"}
    kinds = np.array(["<one>", "two & a half", "three"])[np.arange(60) % 3]
    pd.DataFrame({"name": [f"n{row}" for row in range(60)], "kind": kinds, **numbers}).to_csv(path, index=False)
    return str(path)


@pytest.fixture(scope="module")
def workspace(source: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """With a layout, clusters, and ten items that are labelled."""
    folder = tmp_path_factory.mktemp("kept") / "things.explorer"
    session = explorer.Session(explorer.read(source), folder)
    session.extract("columns")
    session.reduce("pca")
    session.cluster("kmeans", n_clusters=3)
    session.select(explorer.Ids(range(10)))
    session.label("odd <ones>")
    session.workspace.close()
    return str(folder)


def texts(path: Path, group: str) -> list[str]:
    return [text.text or "" for text in ET.parse(path).getroot().findall(f"{SVG}g[@class='{group}']/{SVG}text")]


WRONG = [
    (["picture"], "required: SOURCE|WORKSPACE, -o/--out"),
    (["pictur", "x"], "did you mean 'picture'"),
    (["picture", "SOURCE", "-o", "OUT/o.jpg"], "of a picture it is .png or .svg"),
    (["picture", "SOURCE", "-o", "OUT/o"], "no ending"),
    (["picture", "SOURCE", "-o", "OUT/no/o.png"], "make it first"),
    (["picture", "SOURCE", "-o", "SOURCE", "--force"], "is the source itself"),
    (["picture", "SOURCE", "-o", "OUT/o.png", "--width", "20000"], "width takes a whole number from 100 to 12,000"),
    (["picture", "SOURCE", "-o", "OUT/o.png", "--width", "wide"], "width='wide' is not allowed"),
    (["picture", "SOURCE", "-o", "OUT/o.png", "--dpi", "nan"], "dpi takes a number from 10"),
    (["picture", "SOURCE", "-o", "OUT/o.png", "--ground", "blue"], "one of light, dark, transparent"),
    (["picture", "SOURCE", "-o", "OUT/o.png", "--no-legnd"], "did you mean '--no-legend'"),
    (["picture", "SOURCE", "-o", "OUT/o.png", "--color", "knid", *QUICK], "did you mean 'kind'"),
    (["picture", "SOURCE", "-o", "OUT/o.png", "--reduce", "umpa"], "did you mean 'umap'"),
    (["picture", "SOURCE", "-o", "OUT/o.png", "--text-size", "90", *QUICK], "no room for the map"),
    (["picture", "nowhere.csv", "-o", "OUT/o.png"], "no such file"),
    (["picture", "WORKSPACE", "-o", "OUT/o.png", "--reduce", "pca"], "leave --reduce out"),
    (["picture", "WORKSPACE", "-o", "OUT/o.png", "--set", "reduce.n=1"], "leave --set out"),
    (["picture", "WORKSPACE", "-o", "OUT/o.png", "--color", "knd"], "did you mean 'kind'"),
]


@pytest.mark.parametrize(("arguments", "says"), WRONG, ids=[" ".join(arguments)[-40:] for arguments, _ in WRONG])
def test_wrong_input_is_one_line_and_status_2(
    arguments: list[str], says: str, source: str, workspace: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    filled = [word.replace("SOURCE", source).replace("WORKSPACE", workspace).replace("OUT", str(tmp_path)) for word in arguments]
    if arguments[1:2] == ["SOURCE"] and QUICK[0] in arguments:
        filled.append("--quiet")
    assert main(filled) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("explorer: ")
    assert says in err
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_from_a_source(source: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "map.png"
    how = ["--width", "640", "--height", "480", "--dpi", "150", "--color", "kind"]
    assert main(["picture", source, "-o", str(out), *QUICK, *how]) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"written   {out} (60 items by kind, ")
    with Image.open(out) as image:
        assert image.size == (640, 480)
        assert image.info["dpi"] == pytest.approx((150, 150), rel=1e-2)
    record = json.loads((tmp_path / "map.png.settings.json").read_text("utf-8"))
    assert [step["method"] for step in record["steps"]][1:] == ["pca", "kmeans"]
    assert record["picture"]["dpi"] == 150


def test_from_a_workspace_without_computing(
    workspace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def computes(*given: object, **more: object) -> None:
        raise AssertionError("a step ran")

    monkeypatch.setattr("explorer.step.Step.run", computes)
    out = tmp_path / "map.svg"
    assert main(["picture", workspace, "-o", str(out), "--color", "label", "--quiet"]) == 0
    assert capsys.readouterr().out == ""
    assert texts(out, "legend") == ["label", "odd <ones>", "10", "no label", "50"]
    assert "odd <ones>" in texts(out, "names")
    assert main(["picture", workspace, "-o", str(out), "--quiet"]) == 2, "what is there is not replaced"
    assert main(["picture", workspace, "-o", str(out), "--quiet", "--force", "--no-legend", "--no-names", "--axes"]) == 0
    assert texts(out, "names") == []
    assert {"PCA 1", "PCA 2"} <= set(texts(out, "legend"))
    assert "cluster 0" not in out.read_text("utf-8")


def test_a_workspace_without_a_layout(tmp_path: Path, source: str, capsys: pytest.CaptureFixture[str]) -> None:
    explorer.Session(explorer.read(source), tmp_path / "w").workspace.close()
    assert main(["picture", str(tmp_path / "w"), "-o", str(tmp_path / "o.png")]) == 2
    assert "has no layout yet; make one with explorer run" in capsys.readouterr().err


def test_every_setting_has_its_option(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["picture", "--help"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    for row in PictureSettings.describe():
        name = row["name"].replace("_", "-")
        assert (f"--no-{name}" if row["default"] is True else f"--{name}") in said
        assert row["doc"][1:].rstrip(".") in said
