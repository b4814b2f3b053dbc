"""The start page: what may be asked of it and by whom, what is found in a file, what is dropped, and what is remembered."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
import pandas as pd
import pytest
from serving import Server
from waiting import until

import explorer
from explorer.cli import main
from explorer.errors import InputError, MissingExtra
from explorer.sample import sample
from explorer.views import showing as showing_module
from explorer.views.showing import Shown, showing
from explorer.views.start import folders, uploads
from explorer.views.start.found import found, said
from explorer.views.start.peer import _owner, _written
from explorer.views.start.reading import checked_source
from explorer.views.start.recent import Opened, Recent
from explorer.views.start.site import Site
from explorer.views.start.uploads import Uploads, plain_path
from explorer.views.users import Users, write_users
from explorer.views.window_downloads import SavedFile
from explorer.workspace.glance import labels_in

PASSWORD = "a long enough password"
ENDED = {"done", "failed", "stopped"}
VIEWS = Path(explorer.__file__).parent / "views"


def serving(home: Path, *arguments: str) -> Server:
    """A server whose user's folders are all in `home`."""
    own = [f"XDG_STATE_HOME={home}/state", f"XDG_DATA_HOME={home}/data", f"HOME={home}", "EXPLORER_RECENT=1"]
    return Server(home, command=("env", *own, sys.executable, "-m", "explorer.cli", *arguments, "--no-browser"))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("home")
    (made / "photos").mkdir()
    (made / ".hidden").mkdir()
    rows = {"code": [f"c{row}" for row in range(40)], "words": [f"some words on row {row} of them" for row in range(40)]}
    rows |= {"group": ["even", "odd"] * 20, "value": np.arange(40) / 7}
    pd.DataFrame(rows).to_csv(made / "things.csv", index=False)
    (made / "broken.npz").write_bytes(b"PK\x03\x04 no archive")
    return made


@pytest.fixture(scope="module")
def servers(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Server]]:
    other = tmp_path_factory.mktemp("other")
    write_users(other / "users.json", Users.nobody().add("anna", PASSWORD))
    asked = {
        "start": [], "open": ["open", str(home / "things.csv"), "--no-workspace"],
        "token": ["open", str(home / "things.csv"), "--no-workspace", "--host", "0.0.0.0"],
        "login": ["open", str(home / "things.csv"), "--no-workspace", "--login", str(other / "users.json")],
    }  # fmt: skip
    made = {name: serving(home, *arguments) for name, arguments in asked.items()}
    yield made
    for one in made.values():
        one.end()


@pytest.fixture
def start(servers: dict[str, Server]) -> Server:
    return servers["start"]


def ask(server: Server, what: str, **headers: str) -> dict[str, Any]:
    return dict(json.loads(server.get(f"/start/{what}", **headers)[2]))


def tell(server: Server, what: str, words: Any, **headers: str) -> tuple[int, dict[str, Any]]:
    given = {"Origin": f"http://127.0.0.1:{server.port}"} | headers
    status, _, body = server.get(f"/start/{what}", "POST", body=json.dumps(words), **given)
    return status, json.loads(body) if body.startswith("{") else {"said": body}


def read(server: Server, source: Path, **roles: str) -> dict[str, Any]:
    """What was found in a source, or what was wrong with it, with the reading's key."""
    status, told = tell(server, "read", {"source": str(source), "roles": roles})
    assert status == 200, told
    state = until(lambda: (one := ask(server, f"reading?key={told['key']}"))["state"] in ENDED and one, "what was found")
    return dict(state) | {"key": told["key"]}


# Choosing, and what was found


def test_the_page_is_served_and_the_servers_address_leads_to_it(start: Server) -> None:
    assert start.link.endswith("/start")
    status, headers, _ = start.get("/")
    assert (status, headers["Location"]) == (302, "/start")
    status, headers, body = start.get("/start")
    assert status == 200
    assert "<title>explorer</title>" in body
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    for name in ("start.js", "start.css"):
        assert start.get(f"/start/{name}")[0] == 200
    assert start.get("/start/nothing")[0] == 404


@pytest.mark.parametrize("path", sorted((VIEWS / "start_page").iterdir()), ids=lambda path: path.name)
def test_its_script_makes_no_markup_out_of_text_and_asks_no_other_host(path: Path) -> None:
    text = path.read_text("utf-8")
    banned = r"\b(inner|outer)HTML\b|insertAdjacentHTML|document\.write|\beval\s*\(|new\s+Function\b|srcdoc|https?://\w|style=\""
    assert not re.findall(banned, text)
    assert not re.findall(r"fetch\((?!`/start/)", text), "only from where the page came"
    assert not re.findall(r"font(-size)?:[^;]*\b([0-9]|1[01])px", text), "no text below 12 px"


def test_what_is_found_and_opened(start: Server, home: Path) -> None:
    state = read(start, home / "things.csv")
    found = state["found"]
    assert (found["items"], found["subject"]) == (40, "texts")
    columns = {one["name"]: one for one in found["columns"]}
    assert columns["value"]["kind"] == "number"
    assert columns["group"]["examples"] == ["even", "odd"]
    assert columns["words"]["item"]
    assert state["kept"]["folder"] == str(home / "things.explorer")
    assert state["kept"]["labels"] is None
    assert not (home / "things.explorer").exists(), "looking makes nothing"
    status, told = tell(start, "open", {"key": state["key"]})
    assert status == 200
    assert re.fullmatch("/open/[0-9a-f]{10}", told["address"])
    assert (home / "things.explorer").is_dir()
    session = start.session(told["address"])
    assert session
    assert tell(start, "open", {"key": state["key"]})[1] == told, "once"
    assert tell(start, "open", {"key": read(start, home / "things.csv")["key"]})[1] == told, "and for whoever chooses it again"
    known = ask(start, "state")
    assert [one["address"] for one in known["open"]] == [told["address"]]
    assert (known["recent"][0]["name"], known["recent"][0]["items"], known["recent"][0]["there"]) == ("things.csv", 40, True)


def test_another_role_is_another_dataset_on_the_same_labels(start: Server, home: Path) -> None:
    plain = tell(start, "open", {"key": read(start, home / "things.csv")["key"]})[1]["address"]
    state = read(start, home / "things.csv", id="code")
    assert state["found"]["ids"].startswith("c0, c1, c2")
    assert state["roles"] == {"id": "code"}
    status, told = tell(start, "open", {"key": state["key"]})
    assert (status, told.get("address") != plain) == (200, True)


def test_a_column_becomes_labels_once(start: Server, tmp_path: Path) -> None:
    source = tmp_path / "given.csv"
    pd.DataFrame({"id": [f"i{row}" for row in range(30)], "kind": ["a", "b", None] * 10, "x": range(30)}).to_csv(
        source, index=False
    )
    for _ in range(2):
        state = read(start, source, label="kind")
        status, told = tell(start, "open", {"key": state["key"]})
        assert status == 200, told
    dataset = explorer.read(source)
    assert labels_in(tmp_path / "given.explorer", dataset) == 20
    assert read(start, source)["kept"]["labels"] == 20
    known = {one["name"]: one["labels"] for one in ask(start, "state")["recent"]}
    assert known["given.csv"] == 20


def test_labels_cannot_come_from_a_column_of_many_values(start: Server, tmp_path: Path) -> None:
    source = tmp_path / "many.csv"
    pd.DataFrame({"id": range(600), "x": [f"value {row}" for row in range(600)]}).to_csv(source, index=False)
    status, told = tell(start, "open", {"key": read(start, source, label="x")["key"]})
    assert status == 400
    assert "600 different values" in told["problem"]
    assert not (tmp_path / "many.explorer").exists()


def test_in_memory_nothing_is_made(start: Server, tmp_path: Path) -> None:
    source = tmp_path / "quiet.csv"
    pd.DataFrame({"id": range(20), "x": range(20)}).to_csv(source, index=False)
    status, _ = tell(start, "open", {"key": read(start, source)["key"], "memory": True})
    assert status == 200
    assert [path.name for path in tmp_path.iterdir()] == ["quiet.csv"]


@pytest.mark.parametrize(
    ("name", "roles", "expected"),
    [
        ("nothing.csv", {}, "no such file or folder"), ("broken.npz", {}, "broken.npz"), ("photos", {}, "photos"),
        ("things.csv", {"id": "group"}, "must be unique"), ("things.csv", {"id": "grop"}, "did you mean 'group'"),
        ("things.csv", {"label": "grop"}, "did you mean 'group'"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_one_sentence(name: str, roles: dict[str, str], expected: str, start: Server, home: Path) -> None:
    state = read(start, home / name, **roles)
    assert state["state"] == "failed"
    assert expected in state["message"]
    assert "Traceback" not in state["message"]
    assert " --" not in state["message"], "the page has no options"
    assert tell(start, "open", {"key": state["key"]})[0] == 400


@pytest.mark.parametrize(
    "words", [{}, {"source": ""}, {"source": 3}, {"source": "a\0b"}, {"source": "x", "roles": {"pickle": "a"}}, [1], "x"]
)
def test_what_is_no_choice_is_refused(words: Any, start: Server) -> None:
    status, told = tell(start, "read", words)
    assert status == 400
    assert told["problem"]


def test_an_address_is_the_same_after_a_restart_and_one_that_is_not_open_leads_back(start: Server, home: Path, monkeypatch) -> None:
    address = tell(start, "open", {"key": read(start, home / "things.csv")["key"]})[1]["address"]
    monkeypatch.setenv("EXPLORER_RECENT", "0")
    site = Site()
    try:
        key = site.read(str(home / "things.csv"), {}).key
        until(lambda: site.reading(key).state()["state"] == "done", "the reading")
        assert site.start(key) == address
    finally:
        site.close()
    for path in ("/open/0123456789", "/open/0123456789/ws", "/open", "/open/../start"):
        status, headers, _ = start.get(path)
        assert (status, headers["Location"]) == (302, "/start#gone"), path


def test_a_reading_can_be_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPLORER_RECENT", "0")
    site = Site()
    try:
        reading = site.read(str(sample("emoji.parquet")), {})
        reading.stop()
        assert until(lambda: (one := reading.state())["state"] == "stopped" and one, "its end")["message"]
    finally:
        site.close()


def test_pictures_of_some_items_and_no_others(start: Server) -> None:
    state = read(start, sample("digits.parquet"))
    rows = state["found"]["drawn"]
    assert (rows[0], rows[-1], len(rows)) == (0, 1796, 16)
    status, headers, _ = start.get(f"/start/picture?key={state['key']}&row=3")
    assert (status, headers["Content-Type"]) == (200, "image/png")
    for wrong in (f"key={state['key']}&row=1797", f"key={state['key']}&row=-1", "key=0&row=1", ""):
        assert start.get(f"/start/picture?{wrong}")[0] == 404


def test_words_of_the_command_line_are_not_on_the_page() -> None:
    assert said("choose another --id, or --layout X,Y") == "choose another “Ids”, or “Layout” X,Y"
    shown = found(explorer.read(pd.DataFrame({"x": [1.5, None, 2.0], "b": [True, False, True], "t": ["<b>", "a\nb", "x" * 99]})))
    examples = {one["name"]: one["examples"] for one in shown["columns"]}
    assert examples["b"] == ["yes", "no"]
    assert examples["t"] == ["<b>", "a b", "x" * 59 + "…"]


# Who may ask


@pytest.mark.parametrize("origin", ["http://evil.example", "http://localhost:1", "null", "http://127.0.0.1", "http://[::1"])
def test_another_page_may_send_nothing(origin: str, start: Server, home: Path) -> None:
    for what in ("read", "open", "recent", "stop", "drop", "dropped", "undrop", "piece?key=a&file=0&at=0"):
        status, told = tell(start, what, {"source": str(home / "things.csv"), "clear": True}, Origin=origin)
        assert status == 403, what
        assert "another page" in told["said"]
    assert ask(start, "state")["recent"], "the list is as it was"


def test_who_does_not_say_where_from_may_send_nothing(start: Server) -> None:
    assert start.get("/start/recent", "POST", body='{"clear": true}')[0] == 403
    assert start.get("/start/recent", "PUT", body="{}")[0] == 403


def test_another_page_may_ask_nothing_and_lead_to_the_page_alone(start: Server) -> None:
    for site in ("cross-site", "same-site"):
        for what in ("state", "folder?path=/", "complete?text=/", "reading?key=a", "picture?key=a&row=1", "start.js"):
            assert start.get(f"/start/{what}", Sec_Fetch_Site=site)[0] == 403
        assert start.get("/start", Sec_Fetch_Site=site)[0] == 200
    assert start.get("/start/state", Sec_Fetch_Site="same-origin")[0] == 200


@pytest.mark.parametrize("name", ["evil.example", "evil.example:{port}", "0.0.0.0:{port}", "192.168.0.7:{port}"])
def test_a_name_that_a_stranger_leads_here_gets_nothing(name: str, start: Server) -> None:
    name = name.format(port=start.port)
    for path in ("/start", "/start/state", "/start/folder?path=/", "/open/x"):
        assert start.get(path, Host=name)[0] == 403
    assert tell(start, "recent", {"clear": True}, Host=name, Origin=f"http://{name}")[0] == 403


@pytest.mark.parametrize("which", ["token", "login"])
def test_a_server_for_others_shows_no_folder_and_takes_no_file(which: str, servers: dict[str, Server]) -> None:
    server = servers[which]
    cookie = {"Cookie": server.cookie() if which == "token" else logged_in(server)}
    for path in ("/start", "/start/state", "/start/folder?path=/", "/start/complete?text=/", "/start/start.js", "/open/x", "/open"):
        for headers in ({}, cookie):
            status, _, body = server.get(path, **headers)
            assert status == 403, path
            assert "bokeh" not in body
    for what in ("read", "open", "drop", "recent"):
        assert tell(server, what, {"source": "/etc/passwd"}, **cookie)[0] == 403
    assert "files are chosen on the computer" in server.get("/start", **cookie)[2]
    assert server.get("/", **cookie)[0] == 200, "the dashboard is theirs"


def logged_in(server: Server) -> str:
    """What the browser of somebody who logged in carries."""
    _, headers, body = server.get("/login")
    field = re.search(r'name="form" value="(\w+)"', body)
    assert field
    given = urlencode({"name": "anna", "password": PASSWORD, "form": field[1]})
    status, headers, _ = server.get("/login", "POST", body=given, Cookie=headers["Set-Cookie"].split(";")[0])
    assert status == 303
    return str(headers["Set-Cookie"].split(";")[0])


@pytest.mark.skipif(sys.platform != "linux" or os.getuid() != 0, reason="needs a second user")
def test_another_user_of_this_computer_sees_none_of_our_files(start: Server) -> None:
    script = f"""import http.client
for path in ("/start", "/start/folder?path=/root", "/start/state"):
    connection = http.client.HTTPConnection("127.0.0.1", {start.port}); connection.request("GET", path)
    print(connection.getresponse().status)"""
    done = subprocess.run(["/usr/bin/python3", "-c", script], user=65534, capture_output=True, text=True, timeout=30)
    assert done.stdout.split() == ["403"] * 3, done.stderr
    assert start.get("/start")[0] == 200


@pytest.mark.skipif(sys.platform != "linux" or os.getuid() != 0, reason="needs a second user")
def test_another_user_cannot_borrow_the_port_of_our_browser(start: Server) -> None:
    with socket.create_connection(("127.0.0.1", start.port)) as ours:
        script = f"""import http.client
for last in range(2, 26):  # Linux lists connections in no order that one could rely on
    source = f"127.0.0.{{last}}", {ours.getsockname()[1]}
    connection = http.client.HTTPConnection("127.0.0.1", {start.port}, source_address=source)
    connection.request("GET", "/start/state")
    print(connection.getresponse().status)"""
        done = subprocess.run(["/usr/bin/python3", "-c", script], user=65534, capture_output=True, text=True, timeout=30)
    assert done.stdout.split() == ["403"] * 24, done.stderr


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
@pytest.mark.skipif(sys.platform != "linux", reason="Linux says whose a connection is")
def test_whose_a_connection_is(host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family, dualstack_ipv6="ffff" in host) as server:
        at = "127.0.0.1" if "ffff" in host else host, server.getsockname()[1]
        with socket.create_connection(at), server.accept()[0] as taken:
            assert _owner(_written(*taken.getpeername()[:2]), _written(*taken.getsockname()[:2])) == os.getuid()


@pytest.mark.parametrize("path", ["~nobody-of-this-name/x", "/" + "a" * 5000, "\0", "/no/such/"])
def test_a_path_that_leads_nowhere_is_no_bug(path: str) -> None:
    with pytest.raises(InputError, match="no folder on this computer"):
        folders.listing(path)
    assert folders.completed(path) == []
    with suppress(InputError):
        assert os.path.isabs(checked_source(path))


@pytest.mark.parametrize("more", [["--host", "0.0.0.0"], ["--login", "users.json"]])
def test_the_start_page_is_not_served_to_others(more: list[str], tmp_path: Path, capsys, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_users(tmp_path / "users.json", Users.nobody().add("anna", PASSWORD))
    assert main([*more, "--no-browser"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "explorer open FILE" in said


def test_beside_an_open_file_the_start_page_is_there_too(servers: dict[str, Server], home: Path) -> None:
    server = servers["open"]
    assert server.link.endswith(f":{server.port}/")
    assert server.get("/start")[0] == 200
    assert read(server, home / "things.csv")["state"] == "done"
    assert "bokeh" in server.get("/")[2]


# This computer's folders


def test_a_folders_entries(home: Path) -> None:
    (home / "photos" / "a.png").touch()
    shown = folders.listing(str(home))
    names = [one["name"] for one in shown["entries"]]
    assert "photos" in names
    assert "things.csv" in names
    assert not [name for name in names if name.startswith(".") or name.endswith(".explorer")]
    assert folders.listing(str(home / "photos"))["pictures"] == 1
    (home / "photos" / "a.png").unlink()
    for wrong in (home / "things.csv", home / "nowhere"):
        with pytest.raises(InputError, match="no folder on this computer"):
            folders.listing(str(wrong))


def test_paths_are_completed(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(home))
    assert folders.completed(f"{home}/th") == [f"{home}/things.csv"], "and not the folder of its workspace"
    assert folders.completed("~/PHO") == ["~/photos/"]
    assert folders.completed("https://exam") == []
    assert folders.completed(f"{home}/nowhere/x") == []


# What is dropped


def dropped(taking: Uploads, files: dict[str, bytes], piece: int = 7) -> Path:
    upload = taking.begin([{"path": path, "size": len(content)} for path, content in files.items()])
    for number, content in enumerate(files.values()):
        for at in range(0, len(content), piece):
            taking.take(upload.key, number, at, content[at : at + piece])
    return taking.end(upload.key)


def test_a_piece_that_comes_twice_at_once_is_written_once(tmp_path: Path) -> None:
    taking = Uploads(tmp_path)
    upload = taking.begin([{"path": "a.bin", "size": 64 << 20}])
    piece = bytes(16 << 20)

    def take(_: int) -> str:
        try:
            return str(taking.take(upload.key, 0, 0, piece).there)
        except InputError as problem:
            return str(problem)

    with ThreadPoolExecutor(8) as threads:
        said = list(threads.map(take, range(8)))
    assert said.count(str(len(piece))) <= 1
    assert any("wrong order" in one for one in said)
    assert not list(tmp_path.glob(".part-*")), "nothing is left of it"


def test_drops_whose_pages_were_closed_give_way(tmp_path: Path) -> None:
    taking = Uploads(tmp_path)
    coming = [taking.begin([{"path": "a.bin", "size": 5}]) for _ in range(uploads.AT_ONCE)]
    with pytest.raises(InputError, match="on their way"):
        taking.begin([{"path": "b.bin", "size": 5}])
    coming[1].heard -= uploads.SILENT + 1
    taking.begin([{"path": "b.bin", "size": 5}])
    assert not coming[1].folder.exists()
    assert taking.take(coming[0].key, 0, 0, b"12345").whole


def test_what_is_dropped_is_whole_and_the_same_place_again(tmp_path: Path) -> None:
    taking = Uploads(tmp_path / "dropped")
    place = dropped(taking, {"a table.csv": b"id,x\n" * 9})
    assert place.read_bytes() == b"id,x\n" * 9
    assert place.name == "a table.csv"
    assert dropped(taking, {"a table.csv": b"id,x\n" * 9}, 1) == place
    assert dropped(taking, {"a table.csv": b"id,y\n" * 9}) != place
    photos = {"photos/a.png": b"1", "photos/sub/b.png": b"22", "photos/empty.txt": b""}
    folder = dropped(taking, photos)
    (folder.parent / "photos.explorer").mkdir()
    assert dropped(taking, dict(reversed(photos.items()))) == folder, "in whatever order"
    assert sorted(str(path.relative_to(folder)) for path in folder.rglob("*.*")) == ["a.png", "empty.txt", "sub/b.png"]
    several = dropped(taking, {"a.png": b"1", "b.png": b"2"})
    assert sorted(path.name for path in several.iterdir()) == ["a.png", "b.png"]
    assert not list((tmp_path / "dropped").glob(".part-*"))


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a/../../b", "a\\b", "C:x", "a//b", "", ".", "a\0b", "a\nb", "\ud800"])
def test_a_name_that_leads_elsewhere_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not allowed for a file"):
        Uploads(tmp_path).begin([{"path": name, "size": 1}])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [("a.csv", "a.csv"), (".bashrc", "bashrc"), ("photos/.x/b?.png", "photos/x/b_.png"),
     ("x" * 400 + ".parquet", "x" * 192 + ".parquet"),
     ("ä ☃.csv", "ä ☃.csv"), ("a\u202egpj.exe", "a_gpj.exe"), ("nul. ", "nul")],
)  # fmt: skip
def test_a_name_is_made_harmless(name: str, expected: str) -> None:
    assert str(plain_path(name)) == expected


def test_what_is_too_large_or_wrong_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taking = Uploads(tmp_path / "dropped")
    wrong: list[Any] = [
        None, [], [{"path": "a"}], [{"path": "a", "size": -1}], [{"path": "a", "size": True}],
        [{"path": "a.csv", "size": uploads.LARGEST + 1}],
        [{"path": "a/b", "size": 1}, {"path": "A/B", "size": 1}], [{"path": "a/b", "size": 1}, {"path": "a/b/c", "size": 1}],
        [{"path": f"{number}", "size": 0} for number in range(uploads.MOST_FILES + 1)],
    ]  # fmt: skip
    for files in wrong:
        with pytest.raises(InputError):
            taking.begin(files)
    monkeypatch.setattr(uploads.shutil, "disk_usage", lambda folder: type("Usage", (), {"free": uploads.LEFT_FREE + 10})())
    with pytest.raises(InputError, match="free some disk"):
        taking.begin([{"path": "a.csv", "size": 11}])
    assert not list((tmp_path / "dropped").iterdir())
    taking.begin([{"path": "a.csv", "size": 10}])


def test_pieces_in_the_wrong_order_leave_nothing(tmp_path: Path) -> None:
    taking = Uploads(tmp_path)
    for number, at, piece in ((0, 1, b"x"), (1, 0, b"x"), (0, 0, b"xxxx"), (0, 0, b"")):
        key = taking.begin([{"path": "a.csv", "size": 3}]).key
        with pytest.raises(InputError, match="wrong order"):
            taking.take(key, number, at, piece)
        assert list(tmp_path.iterdir()) == []
    key = taking.begin([{"path": "a.csv", "size": 3}]).key
    taking.take(key, 0, 0, b"ab")
    with pytest.raises(InputError, match="did not arrive"):
        taking.end(key)
    taking.begin([{"path": "a.csv", "size": 3}])
    taking.close()
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_server_left_goes_after_a_day(tmp_path: Path) -> None:
    for name, age in ((".part-old", 2 * 86_400), (".part-new", 60)):
        (tmp_path / name).mkdir()
        os.utime(tmp_path / name, (time.time() - age,) * 2)
    dropped(Uploads(tmp_path), {"a.csv": b"1"})
    assert [path.name for path in tmp_path.glob(".part-*")] == [".part-new"]


def test_a_drop_over_the_wire_is_read(start: Server, home: Path) -> None:
    content = "id,x\n" + "\n".join(f"{row},{row * row}" for row in range(50))
    status, told = tell(start, "drop", {"files": [{"path": "fallen.csv", "size": len(content)}]})
    assert status == 200
    status, piece = tell_bytes(start, f"piece?key={told['key']}&file=0&at=0", content)
    assert (status, piece) == (200, {"whole": True})
    source = tell(start, "dropped", {"key": told["key"]})[1]["source"]
    assert source.startswith(str(home / "data" / "explorer" / "dropped"))
    assert read(start, Path(source))["found"]["items"] == 50
    assert tell_bytes(start, "piece?key=x&file=0&at=0", "a")[0] == 400
    assert tell_bytes(start, "piece?key=x&file=../a&at=0", "a")[0] == 400


def tell_bytes(server: Server, what: str, body: str) -> tuple[int, Any]:
    status, _, answer = server.get(f"/start/{what}", "POST", body=body, Origin=f"http://127.0.0.1:{server.port}")
    return status, json.loads(answer)


# What is remembered


@pytest.fixture
def recent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recent:
    monkeypatch.setenv("EXPLORER_RECENT", "1")
    return Recent(tmp_path / "state" / "recent.json")


def test_recent_files(recent: Recent, tmp_path: Path) -> None:
    recent.note(Opened(str(tmp_path / "a.csv"), "a.csv", "texts", 5))
    recent.note(Opened(str(tmp_path), "folder", "pictures", 7, roles={"id": "x"}))
    recent.note(Opened(str(tmp_path / "a.csv"), "a.csv", "texts", 6))
    assert [(one.name, one.items, one.there) for one in recent.entries()] == [("a.csv", 6, False), ("folder", 7, True)]
    recent.count(str(tmp_path), 12)
    assert (recent.entries()[1].labels, recent.entries()[1].roles) == (12, {"id": "x"})
    assert stat.S_IMODE(recent.path.stat().st_mode) == 0o600
    assert [path.name for path in recent.path.parent.iterdir()] == ["recent.json"], "no half files"
    recent.remove(str(tmp_path))
    assert [one.name for one in recent.entries()] == ["a.csv"]
    recent.clear()
    assert recent.entries() == []
    for number in range(40):
        recent.note(Opened(f"/x/{number}.csv", f"{number}.csv"))
    assert (len(recent.entries()), recent.entries()[0].name) == (30, "39.csv")


def test_no_list_is_kept_where_none_is_wanted(recent: Recent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPLORER_RECENT", "0")
    recent.note(Opened("/x/a.csv", "a.csv"))
    assert not recent.path.exists()
    assert recent.entries() == []


@pytest.mark.parametrize(
    "text", ["", "no json", "[]", "{}", '{"files": 3}', '{"files": [3, {}, {"source": 1, "name": "x"}]}',
             '{"files": [{"source": "a", "name": "b", "roles": {"x": 1}}]}',
             "[" * 100_000],
)  # fmt: skip
def test_a_damaged_list_counts_as_empty(text: str, recent: Recent) -> None:
    recent.path.parent.mkdir()
    recent.path.write_text(text)
    assert recent.entries() == []
    recent.note(Opened("/x/a.csv", "a.csv"))
    assert [one.name for one in recent.entries()] == ["a.csv"]


def test_secrets_in_addresses_are_not_written_down(recent: Recent) -> None:
    for address in ("https://me:secret@host/a.csv", "https://host/a.csv?key=secret", "https://[::1/a.csv"):
        recent.note(Opened(address, "a.csv"))
    assert not recent.path.exists()
    recent.note(Opened("https://host/a.csv", "a.csv"))
    assert recent.entries()[0].there, "another machine is not asked"


def test_a_home_that_cannot_be_written_stops_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPLORER_RECENT", "1")
    (tmp_path / "file").touch()
    Recent(tmp_path / "file" / "recent.json").note(Opened("/x/a.csv", "a.csv"))


def test_open_notes_its_file_and_its_labels(servers: dict[str, Server], home: Path) -> None:
    assert servers["open"].port
    entries = {one["source"]: one for one in ask(servers["open"], "state")["recent"]}
    assert entries[str(home / "things.csv")]["kind"] == "texts"


# A glance into a workspace


def test_a_glance_counts_and_changes_nothing(tmp_path: Path) -> None:
    dataset = explorer.read(pd.DataFrame({"id": [f"i{row}" for row in range(9)], "x": range(9)}))
    place = tmp_path / "w.explorer"
    assert labels_in(place, dataset) is None
    session = explorer.Session(dataset, place)
    session.import_labels({"i1": "a", "i2": "b", "i5": "a"})
    before = state_of(place)
    assert labels_in(place, dataset) == 3, "also while it is open"
    assert state_of(place) == before
    shutil.copytree(place, tmp_path / "as left by one that was killed.explorer")
    before = state_of(killed := tmp_path / "as left by one that was killed.explorer")
    assert [path for path in before if path.endswith("-wal")], "or there is nothing to see"
    assert labels_in(killed, dataset) == 3
    assert state_of(killed) == before
    session.workspace.close()
    assert labels_in(place, dataset.take(np.arange(5))) == 2
    other = explorer.read(pd.DataFrame({"id": [f"other {row}" for row in range(9)], "x": range(9)}))
    with pytest.raises(InputError, match="belongs to"):
        labels_in(place, other)
    (place / "journal.sqlite").write_bytes(b"no database" * 500)
    with pytest.raises(InputError, match="cannot be read"):
        labels_in(place, dataset)


def state_of(folder: Path) -> dict[str, str]:
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".sqlite-shm"
    }


# A browser, a window, or the link


def test_where_the_page_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    there = {"browser": True, "screen": True, "webview": True}
    monkeypatch.setattr(showing_module, "has_browser", lambda: there["browser"])
    monkeypatch.setattr(showing_module, "has_screen", lambda: there["screen"])
    monkeypatch.setattr(showing_module, "find_spec", lambda name: object() if there["webview"] else None)
    assert showing(open_browser=True, window=False) == Shown(browser=True)
    assert showing(open_browser=True, window=True) == Shown(window=True)
    assert showing(open_browser=False, window=False) == Shown()
    there["browser"] = False
    assert showing(open_browser=True, window=False) == Shown(window=True)
    there["webview"] = False
    assert "embedding-explorer[desktop]" in showing(open_browser=True, window=False).said
    with pytest.raises(MissingExtra, match=r"embedding-explorer\[desktop\]"):
        showing(open_browser=True, window=True)
    there |= {"webview": True, "screen": False}
    assert "open the link" in showing(open_browser=True, window=False).said
    with pytest.raises(InputError, match="needs a screen"):
        showing(open_browser=True, window=True)


def test_no_window_without_pywebview_is_said_before_anything_is_read(capsys: pytest.CaptureFixture[str], monkeypatch) -> None:
    monkeypatch.setattr(showing_module, "find_spec", lambda name: None)
    assert main(["open", "nowhere.csv", "--desktop"]) == 2
    assert "embedding-explorer[desktop]" in capsys.readouterr().err


class Dialogs:
    """pywebview's part in a download: it asks where the file goes."""

    class FileDialog:
        SAVE = 30

    def __init__(self, answer: Path | None) -> None:
        self.answer, self.said, self.asked = answer, [], []

    def create_file_dialog(self, kind: int, **given: Any) -> tuple[str, ...] | None:
        self.asked.append(given["save_filename"])
        return None if self.answer is None else (str(self.answer),)

    def create_confirmation_dialog(self, title: str, text: str) -> None:
        self.said.append(text)


def test_a_window_saves_whole_files(tmp_path: Path) -> None:
    dialogs = Dialogs(tmp_path / "labels.csv")
    saved = SavedFile(dialogs, dialogs)
    (tmp_path / "labels.csv").write_text("old")
    assert saved.save_piece("../../.labels.csv", 0, "aWQs", False)
    assert (tmp_path / "labels.csv").read_text() == "old"
    assert saved.save_piece("labels.csv", 3, "eA==", True)
    assert (tmp_path / "labels.csv").read_text() == "id,x"
    assert saved.save_piece("labels.csv.settings.json", 0, "e30=", True)
    assert (tmp_path / "labels.csv.settings.json").read_text() == "{}"
    (tmp_path / "labels.csv.settings.json").unlink()
    assert dialogs.asked == ["labels.csv"], "what belongs to it goes beside it"
    assert saved.save_piece("labels.csv", 0, "aWQs", False)
    assert not saved.save_piece("labels.csv", 9, "aWQs", True), "a piece is missing"
    assert [path.name for path in tmp_path.iterdir()] == ["labels.csv"]
    assert (tmp_path / "labels.csv").read_text() == "id,x"
    nobody, lost = Dialogs(None), Dialogs(tmp_path / "nowhere" / "x.csv")
    assert not SavedFile(nobody, nobody).save_piece("x.csv", 0, "aWQs", True)
    assert not SavedFile(lost, lost).save_piece("x.csv", 0, "aWQs", True)
    assert "cannot be written" in lost.said[0]
