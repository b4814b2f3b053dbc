"""The command line: exit statuses, one line for what is wrong, and files that are whole or not there."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import types
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest
from waiting import until

import explorer
from explorer import cli
from explorer.cli import main
from explorer.cli.choices import parse_sets
from explorer.cli.text import one_line, seconds
from explorer.sample import sample
from explorer.step import KINDS, names
from explorer.workspace.beside import beside

QUICK = ["--reduce", "pca", "--cluster", "kmeans", "--set", "cluster.n_clusters=3"]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("data") / "things.csv"
    rng = np.random.default_rng(0)
    pd.DataFrame({"name": [f"n{row}" for row in range(60)], "a": rng.normal(size=60), "b": rng.normal(size=60)}).to_csv(
        path, index=False
    )
    return str(path)


def command(*arguments: str, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "explorer.cli", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ | environment,
    )


# What is wrong is one line, and status 2

WRONG: list[tuple[list[str], str]] = [
    (["--prot", "5"], "did you mean '--port'"),
    (["--port", "5", "demo"], "put the command first"),
    (["opne"], "did you mean 'open'"),
    (["run"], "required: SOURCE, -o/--out"),
    (["run", "SOURCE"], "required: -o/--out"),
    (["run", "SOURCE", "-o"], "expected one argument"),
    (["run", "SOURCE", "-o", "OUT/o.csv", "--extrac", "columns"], "did you mean '--extract'"),
    (["run", "SOURCE", "-o", "OUT/o.csv", "more"], "one argument too many"),
    (["run", "SOURCE", "-o", "OUT/o.xlsx"], "known are .csv, .parquet, .jsonl"),
    (["run", "SOURCE", "-o", "OUT/no/o.csv"], "make it first"),
    (["run", "SOURCE", "-o", "SOURCE", "--force"], "is the source itself"),
    (["run", "nowhere.csv", "-o", "OUT/o.csv"], "no such file"),
    (["run", "SOURCE", "-o", "OUT/o.csv", "--reduce", "umpa"], "did you mean 'umap'"),
    (["run", "SOURCE", "-o", "OUT/o.csv", "--cluster", "hdbscn"], "did you mean 'hdbscan'"),
    (["run", "SOURCE", "-o", "OUT/o.csv", "--extract", "colums"], "did you mean 'columns'"),
    (["run", "SOURCE", "-o", "OUT/o.csv", "--set", "n=3"], "STEP.SETTING=VALUE"),
    (["run", "SOURCE", "-o", "OUT/o.csv", "--set", "reduce.n_neighbors"], "STEP.SETTING=VALUE"),
    (["run", "SOURCE", "-o", "OUT/o.csv", "--set", "redcue.n=3"], "did you mean 'reduce'"),
    (["run", "SOURCE", "-o", "OUT/o.csv", "--set", "reduce.n_neighbours=3"], "did you mean 'n_neighbors'"),
    (["run", "SOURCE", "-o", "OUT/o.csv", "--set", "reduce.n_neighbors=many"], "a whole number"),
    (["run", "SOURCE", "-o", "OUT/o.csv", "--cluster", "kmeans", "--set", "cluster.n_clusters=1"], "from 2"),
    (["run", "SOURCE", "-o", "OUT/o.csv", "--set", "extract.nothing=1"], "no setting of 'columns'"),
    (["run", "SOURCE", "-o", "OUT/o.csv", "--seed", "-1"], "--seed"),
    (["run", "SOURCE", "-o", "OUT/o.csv", "--seed", "x"], "whole number from 0"),
    (["run", "SOURCE", "-o", "OUT/o.csv", "--layout", "a,b", "--reduce", "pca"], "give one of the two"),
    (["run", "SOURCE", "-o", "OUT/o.csv", "--layout", "a,c"], "no column"),
    (["run", "SOURCE", "-o", "OUT/o.csv", "--id", "nmae"], "did you mean 'name'"),
    (["run", "SOURCE", "-o", "OUT/o.csv", "--text", "nope"], "no column"),
    (["run", "SOURCE", "-o", "OUT/o.csv", "--audio", "nope"], "no column"),
    (["run", "SOURCE", "-o", "OUT/o.csv", "--series", "a"], "is no time series"),
    (["run", "SOURCE", "-o", "OUT/o.csv", "--window", "x"], "it takes seconds"),
    (["run", "SOURCE", "-o", "OUT/o.csv", "--workspace", "SOURCE"], "a workspace is a folder"),
    (["open", "SOURCE", "--port", "99999"], "--port"),
    (["open", "SOURCE", "--workspace", "SOURCE"], "a workspace is a folder"),
    (["open", "nowhere"], "no such file"),
    (["open", "SOURCE", "--workspace", "OUT/w", "--no-workspace"], "give one of the two"),
    (["open", "SOURCE", "--login", "OUT/none"], "explorer login"),
    (["open", "SOURCE", "--user", "a\nb"], "can be seen"),
    (["demo", "--user", ""], "can be seen"),
    (["open", "SOURCE", "--user", "ada", "--login", "OUT/none"], "give one of the two"),
    (["run", "SOURCE", "-o", "OUT/o.csv", "--no-workspace"], "no option"),
    (["login", "OUT/none", "--list"], "there is no login file"),
    (["login", "OUT/none"], "--add"),
    (["demo", "--prot", "1"], "did you mean '--port'"),
    (["export", "nowhere", "-o", "OUT/o.csv"], "is not a workspace"),
    (["export", "nowhere", "-o", "OUT/o.pdf"], "known are"),
    (["methods", "--jsn"], "did you mean '--json'"),
]


@pytest.mark.parametrize(("arguments", "says"), WRONG, ids=[" ".join(arguments)[-40:] or "nothing" for arguments, _ in WRONG])
def test_wrong_input_is_one_line_and_status_2(arguments: list[str], says: str, source: str, tmp_path: Path, capsys) -> None:
    before = Path(source).read_bytes()
    filled = [word.replace("SOURCE", source).replace("OUT", str(tmp_path)) for word in arguments]
    assert main(filled) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("explorer: ")
    assert says in err
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
    assert Path(source).read_bytes() == before


def test_statuses_of_the_real_command(source: str, tmp_path: Path) -> None:
    wrong = command("run", source, "-o", str(tmp_path / "o.csv"), "--reduce", "umpa")
    assert (wrong.returncode, wrong.stdout, wrong.stderr.count("\n")) == (2, "", 1)
    assert "Traceback" not in wrong.stderr
    right = command("run", source, "-o", str(tmp_path / "o.csv"), *QUICK, "--quiet")
    assert (right.returncode, right.stdout, right.stderr) == (0, "", "")
    assert (tmp_path / "o.csv").exists()


def test_a_bug_is_one_line_and_status_1(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    def breaks() -> str:
        raise RuntimeError("over\nhere")

    monkeypatch.setattr("explorer.cli.listing.methods_text", breaks)
    monkeypatch.delenv("EXPLORER_DEBUG", raising=False)
    assert main(["methods"]) == 1
    err = capsys.readouterr().err
    assert "this is a bug (RuntimeError: over here)" in err
    assert err.count("\n") == 1
    monkeypatch.setenv("EXPLORER_DEBUG", "1")
    with pytest.raises(RuntimeError, match="over"):
        main(["methods"])


@pytest.mark.parametrize(
    ("problem", "status", "says"), [(KeyboardInterrupt(), 130, "stopped"), (MemoryError(), 2, "not enough memory")]
)
def test_other_ends(monkeypatch: pytest.MonkeyPatch, capsys, problem: BaseException, status: int, says: str) -> None:
    def ends() -> str:
        raise problem

    monkeypatch.setattr("explorer.cli.listing.methods_text", ends)
    assert main(["methods"]) == status
    assert says in capsys.readouterr().err


def test_nothing_in_a_message_acts_on_the_terminal(tmp_path: Path, capsys) -> None:
    assert main(["run", f"{tmp_path}/a\x1b[31m\nb.csv", "-o", str(tmp_path / "o.csv")]) == 2
    err = capsys.readouterr().err
    assert "\x1b" not in err
    assert err.count("\n") == 1


def test_help_and_version(capsys) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"explorer {explorer.__version__}\n"
    for each in ("demo", "open", "run", "export", "methods", "login"):
        assert main([each, "--help"]) == 0
        assert each in capsys.readouterr().out
    assert main(["--help"]) == 0
    assert "COMMAND" in capsys.readouterr().out


def test_the_options_are_the_designs(capsys) -> None:
    wanted = (
        "--id --text --image --series --audio --vectors --columns --layout --extract --reduce --cluster --set --workspace --seed"
    )
    for each, more in (
        ("open", "--host --port --no-browser --no-workspace --user --login"),
        ("run", "-o --force --for-spreadsheets"),
        ("demo", "--host --port"),
    ):
        main([each, "--help"])
        said = capsys.readouterr().out
        assert all(option in said for option in (wanted if each != "demo" else "").split() + more.split())


# run


def test_run_says_what_it_did(source: str, tmp_path: Path, capsys) -> None:
    out = tmp_path / "o.csv"
    assert main(["run", source, "-o", str(out), "--id", "name", *QUICK]) == 0
    said, err = capsys.readouterr()
    for part in (
        "items     things.csv: 60",
        "features  columns, 60 × 2",
        "layout    pca",
        "kmeans, 3 clusters, 0.0% noise",
        "o.csv (60 rows",
    ):
        assert part in said
    assert "reduce pca ..." in err
    table = pd.read_csv(out)
    assert list(table)[:5] == ["id", "x", "y", "cluster", "label"]
    assert table["id"].tolist() == [f"n{row}" for row in range(60)]
    assert set(table["cluster"]) == {0, 1, 2}
    assert table["label"].isna().all()
    record = json.loads((tmp_path / "o.csv.settings.json").read_text())
    assert [step["method"] for step in record["steps"]] == ["columns", "pca", "kmeans"]


def test_what_takes_long_is_said_before_and_once(source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    from explorer.installation.takes import Takes
    from explorer.reduction.pca import PCA

    asked: list[tuple[int, int]] = []

    def takes(self: PCA, n: int, d: int) -> Takes:
        asked.append((n, d))
        return Takes(memory=1.4e9, sparse=100.0)

    monkeypatch.setattr("explorer.installation.takes.speed", lambda: (1.0, 1.0))
    monkeypatch.setattr(PCA, "takes", takes)
    monkeypatch.setattr(PCA, "refused", lambda self, n, d: "")
    args = ["run", source, "--id", "name", *QUICK, "--workspace", str(tmp_path / "w")]
    assert main([*args, "-o", str(tmp_path / "o.csv")]) == 0
    lines = capsys.readouterr().err.splitlines()
    said = lines.index("reduce pca: about 1 min 40 s · 1.4 GB of memory")
    assert lines[said + 1] == "reduce pca ..."
    assert (60, 2) in asked
    assert not any(line.startswith("cluster kmeans: about") for line in lines), "what is soon done needs no word"
    assert main([*args, "-o", str(tmp_path / "p.csv")]) == 0
    assert "about 1 min" not in capsys.readouterr().err, "it is there already"
    assert main(["run", source, "--id", "name", *QUICK, "--quiet", "-o", str(tmp_path / "q.csv")]) == 0
    assert capsys.readouterr().err == ""


def test_run_is_the_same_twice(tmp_path: Path) -> None:
    digits = str(sample("digits.parquet"))
    for name in ("one", "two"):
        assert main(["run", digits, "-o", str(tmp_path / f"{name}.csv"), *QUICK, "--quiet"]) == 0
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()
    assert len(pd.read_csv(tmp_path / "one.csv")) == 1_797


def test_seed_is_every_steps_unless_set_says_otherwise(source: str, tmp_path: Path) -> None:
    more = ["--seed", "7", "--set", "cluster.random_state=9"]
    assert main(["run", source, "-o", str(tmp_path / "o.csv"), *QUICK, *more, "--quiet"]) == 0
    steps = json.loads((tmp_path / "o.csv.settings.json").read_text())["steps"]
    assert [step["settings"]["random_state"] for step in steps] == [7, 7, 9]


def test_a_layout_that_is_there_is_taken(source: str, tmp_path: Path, capsys) -> None:
    assert main(["run", source, "-o", str(tmp_path / "o.csv"), "--layout", "a,b", "--cluster", "kmeans"]) == 0
    said = capsys.readouterr()
    assert "layout    as given" in said.out
    assert "extract" not in said.err  # nothing needs features
    table, given = pd.read_csv(tmp_path / "o.csv"), pd.read_csv(source)
    assert np.array_equal(table[["x", "y"]].to_numpy(np.float32), given[["a", "b"]].to_numpy(np.float32))


def test_run_keeps_to_its_workspace_and_export_writes_it(source: str, tmp_path: Path, capsys) -> None:
    kept = str(tmp_path / "w")
    assert main(["run", source, "-o", str(tmp_path / "o.csv"), "--id", "name", "--workspace", kept, *QUICK]) == 0
    session = explorer.Session(explorer.read(source, id="name"), kept)
    session.select(["n1", "n2"])
    session.label("=spiral")
    session.workspace.close()
    capsys.readouterr()
    assert main(["export", kept, "-o", str(tmp_path / "e.csv"), "--for-spreadsheets"]) == 0
    assert "2 of 60 items have a label" in capsys.readouterr().out
    table = pd.read_csv(tmp_path / "e.csv").set_index("id")
    assert table["label"].dropna().to_dict() == {"n1": "'=spiral", "n2": "'=spiral"}
    assert set(table["cluster"]) == {0, 1, 2}
    assert main(["export", kept, "-o", str(tmp_path / "e.csv")]) == 2
    assert main(["export", kept, "-o", str(tmp_path / "e.csv"), "--force"]) == 0
    assert main(["run", source, "-o", str(tmp_path / "o.jsonl"), "--id", "name", "--workspace", kept, *QUICK]) == 0
    labels = [json.loads(line)["label"] for line in (tmp_path / "o.jsonl").read_text().splitlines()]
    assert labels.count("=spiral") == 2


def test_a_file_that_is_there_is_said_before_anything_is_computed(source: str, tmp_path: Path, monkeypatch, capsys) -> None:
    (tmp_path / "o.csv").write_text("mine")
    monkeypatch.setattr("explorer.worker.read_apart", lambda *given, **options: pytest.fail("it was read"))
    assert main(["run", source, "-o", str(tmp_path / "o.csv")]) == 2
    assert "--force" in capsys.readouterr().err
    assert (tmp_path / "o.csv").read_text() == "mine"


@pytest.mark.parametrize("data", [b"a,b\n1,2\n3\n", b"\xff\xfe\x00", b"a\n1\n", b"\x00" * 100])
def test_a_bad_file_is_one_line(data: bytes, tmp_path: Path, capsys) -> None:
    (tmp_path / "bad.csv").write_bytes(data)
    assert main(["run", str(tmp_path / "bad.csv"), "-o", str(tmp_path / "o.csv")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["bad.csv"]


def test_interrupted_nothing_is_half_written(source: str, tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "explorer.cli", "run", source, "-o", str(tmp_path / "o.csv")],
        stderr=subprocess.PIPE, text=True, start_new_session=True,
    ) as child:  # fmt: skip
        until(lambda: psutil.Process(child.pid).children(), "a child that reads")  # it is reading, in a child process
        time.sleep(0.3)  # and no longer starting that process
        child.send_signal(signal.SIGINT)
        err = child.stderr.read()
    assert child.returncode == 130
    assert err.splitlines()[-1].startswith("explorer: stopped")
    assert "Traceback" not in err
    assert list(tmp_path.iterdir()) == []


SWALLOWED = """
import os, signal, sys, time
import explorer.cli
import explorer.session
whole = explorer.session.Session.extract
def extract(self, *given, **settings):
    try:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(1)
    except KeyboardInterrupt:  # as some libraries do while they are imported
        pass
    return whole(self, *given, **settings)
explorer.session.Session.extract = extract
sys.argv = ["explorer", "run", *sys.argv[1:]]
raise SystemExit(explorer.cli.main())
"""


def test_an_interrupt_that_a_library_swallows_still_stops(source: str, tmp_path: Path) -> None:
    command = [sys.executable, "-c", SWALLOWED, source, "-o", str(tmp_path / "o.csv")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 130
    assert list(tmp_path.iterdir()) == []


def test_bars_on_a_terminal(source: str, tmp_path: Path) -> None:
    import pty

    leader, follower = pty.openpty()
    said: list[bytes] = []
    listener = threading.Thread(target=lambda: said.extend(iter(partial(_heard, leader), b"")))
    listener.start()
    done = subprocess.run(
        [sys.executable, "-m", "explorer.cli", "run", source, "-o", str(tmp_path / "o.csv"), *QUICK],
        stdout=subprocess.PIPE, stderr=follower, timeout=60, env=os.environ | {"TERM": "xterm", "COLUMNS": "100"},
    )  # fmt: skip
    os.close(follower)
    listener.join(30)
    os.close(leader)
    shown = b"".join(said).decode()
    assert done.returncode == 0
    assert "reduce pca" in shown
    assert "100 %" in shown


def _heard(terminal: int) -> bytes:
    """What came to a terminal; nothing once nobody writes to it any more."""
    try:
        return os.read(terminal, 100_000)
    except OSError:
        return b""


# methods


def test_methods_as_json_cover_every_step(capsys) -> None:
    assert main(["methods", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert list(listed) == list(KINDS)
    for kind in KINDS:
        assert [entry["method"] for entry in listed[kind]] == names(kind)
        for entry in listed[kind]:
            assert entry["doc"], entry
            assert all({"name", "default", "doc", "type"} <= set(row) for row in entry["settings"])
            assert "random_state" in {row["name"] for row in entry["settings"]}


def test_methods_as_text(capsys) -> None:
    assert main(["methods"]) == 0
    said = capsys.readouterr().out
    for kind in KINDS:
        for name in names(kind):
            assert f"\n  {name}  " in said
    assert "n_neighbors" in said
    assert max(map(len, said.splitlines())) <= 132


def test_a_broken_plugin_does_not_hide_the_others(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    from explorer.cli import listing

    real = listing.find

    def find(kind: str, name: str):
        if name == "pca":
            raise ImportError("no module named x")
        return real(kind, name)

    monkeypatch.setattr(listing, "find", find)
    assert main(["methods"]) == 0
    said = capsys.readouterr().out
    assert "pca  cannot be loaded: no module named x" in said
    assert "umap" in said


def test_methods_are_quick_and_import_nothing_heavy() -> None:
    code = "import sys; from explorer.cli import main; main(['methods']); "
    code += "print(sorted({'torch', 'umap', 'panel', 'sklearn', 'numba'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_nobody_reads_on() -> None:
    line = f"{sys.executable} -m explorer.cli methods | head -1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True)
    assert done.stdout.splitlines()[1] == "0"
    assert done.stderr == ""


# open and demo


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list:
    """What the dashboard was asked to serve."""
    asked: list = []
    views = types.ModuleType("explorer.views")
    views.serve = lambda dataset, **options: asked.append((len(dataset), options))
    views.serve_demo = lambda **options: asked.append(options)
    views.serve_start = lambda **options: asked.append(options)
    monkeypatch.setitem(sys.modules, "explorer.views", views)
    return asked


def test_open_hands_over_what_was_chosen(source: str, served: list, tmp_path: Path) -> None:
    assert main(["open", source, "--no-browser", "--no-workspace"]) == 0
    count, options = served.pop()
    assert (count, options.pop("workspace").path) == (60, None)
    asked = {"steps": {}, "host": "127.0.0.1", "port": 0, "open_browser": False, "user": None, "login": None}
    asked |= {"source": source}
    assert options == asked
    chosen = ["--workspace", str(tmp_path / "w"), "--reduce", "pca", "--set", "cluster.min_cluster_size=9", "--port", "5"]
    assert main(["open", source, *chosen]) == 0
    options = served.pop()[1]
    assert {kind: step.method for kind, step in options["steps"].items()} == {"reduce": "pca", "cluster": "hdbscan"}
    assert options["steps"]["cluster"].min_cluster_size == 9
    assert options["workspace"].path == tmp_path / "w"
    assert (options["port"], options["open_browser"]) == (5, True)
    options["workspace"].close()
    assert main(["open", source, "--seed", "3", "--no-workspace"]) == 0
    assert {step.random_state for step in served.pop()[1]["steps"].values()} == {3}


def test_open_keeps_a_workspace_beside_the_source(source: str, served: list, capsys) -> None:
    for _ in range(2):  # made, and opened again
        assert main(["open", source]) == 0
        kept = served.pop()[1]["workspace"]
        assert kept.path == Path(source).with_suffix(".explorer")
        kept.close()
    assert capsys.readouterr().err == ""


def test_where_no_folder_can_be_made_it_says_so_and_goes_on_in_memory(source: str, served: list, tmp_path: Path, capsys) -> None:
    """A name that has no room for the ending is as good as a read-only medium, and stops root too."""
    long = tmp_path / f"{'x' * 250}.csv"
    long.write_bytes(Path(source).read_bytes())
    assert main(["open", str(long)]) == 0
    assert served.pop()[1]["workspace"].path is None
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "labels are in memory only" in said
    assert "--workspace DIR" in said


def test_a_workspace_of_other_data_is_not_passed_over(source: str, served: list, tmp_path: Path, capsys) -> None:
    other = tmp_path / "things.csv"
    other.write_bytes(Path(source).read_bytes())
    (tmp_path / "things.explorer").mkdir()
    (tmp_path / "things.explorer" / "mine.txt").write_text("mine")
    assert main(["open", str(other)]) == 2
    assert not served
    assert "--workspace" in capsys.readouterr().err
    assert [each.name for each in (tmp_path / "things.explorer").iterdir()] == ["mine.txt"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [("a/x.csv", "a/x.explorer"), ("photos/", "photos.explorer"), ("a.b/x.tar.npy", "a.b/x.tar.explorer"), ("/", "/data.explorer")],
)
def test_beside(given: str, expected: str) -> None:
    assert str(beside(given)) == expected


def test_a_folder_keeps_its_whole_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "photos.v2").mkdir()
    assert beside(f"{tmp_path}/photos.v2/") == tmp_path / "photos.v2.explorer"
    monkeypatch.chdir(tmp_path / "photos.v2")
    assert beside(".") == tmp_path / "photos.v2.explorer"


def test_demo(served: list) -> None:
    assert main(["demo", "--host", "::1", "--port", "80"]) == 0
    assert served == [{"host": "::1", "port": 80, "open_browser": True, "user": None, "login": None}]


def test_alone_it_serves_the_start_page(served: list, capsys) -> None:
    usual = {"host": "127.0.0.1", "port": 0, "open_browser": True, "user": None, "login": None}
    assert main([]) == 0
    assert main(["--port", "0", "--no-browser"]) == 0
    assert served == [usual, usual | {"open_browser": False}]
    assert main(["--help"]) == 0
    assert "start page" in capsys.readouterr().out
    assert len(served) == 2, "help is help"


# Small parts


def test_sets() -> None:
    assert parse_sets(["reduce.a=1", "reduce.b=x=y", "cluster.c="]) == {"reduce": {"a": "1", "b": "x=y"}, "cluster": {"c": ""}}


def test_text() -> None:
    assert one_line(" a\n b\x1b[0m\u202e") == "a b\\x1b[0m\\u202e"
    assert [seconds(given) for given in (0.001, 3.21, 125)] == ["0.00 s", "3.2 s", "2 min 5 s"]


def test_samples() -> None:
    assert sample("emoji.parquet").is_file()
    with pytest.raises(explorer.InputError, match=r"did you mean 'digits.parquet'"):
        sample("digit.parquet")


def test_the_app_without_a_screen(tmp_path: Path) -> None:
    app = Path(cli.__file__).parents[2] / "apps" / "label.py"
    done = subprocess.run(
        [sys.executable, str(app), str(sample("digits.parquet")), str(tmp_path / "out.csv")], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert len(pd.read_csv(tmp_path / "out.csv")["label"].unique()) == 5
    assert len(app.read_text().splitlines()) < 40
