"""Addresses: fetched once, whole or not at all, here from our own server; and columns of them only where that was allowed."""

from __future__ import annotations

import io
import os
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

import explorer
from explorer import InputError
from explorer.sources import cache, downloads, web
from explorer.sources.options import is_address
from explorer.sources.remote import fetched

ROWS = b"id,words\na,one thing\nb,two things\nc,three things\n"


def picture(shade: int) -> bytes:
    held = io.BytesIO()
    Image.new("RGB", (8, 6), (shade, 0, 0)).save(held, "PNG")
    return held.getvalue()


class Site(ThreadingHTTPServer):
    """A server of some bytes, which counts what it is asked for."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes] = {"/t.csv": ROWS, "/big.csv": ROWS * 100}
        self.files |= {f"/{name}.png": picture(place) for place, name in enumerate("abc")}
        self.moved: dict[str, str] = {}
        self.declared: dict[str, int] = {}
        self.asked: Counter[str] = Counter()

    def at(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_port}{path}"


class Handler(BaseHTTPRequestHandler):
    server: Site

    def do_HEAD(self) -> None:
        self.answer(body=False)

    def do_GET(self) -> None:
        self.answer(body=True)

    def answer(self, *, body: bool) -> None:
        path = self.path.partition("?")[0]
        self.server.asked[f"{self.command} {path}"] += 1
        if path in self.server.moved:
            self.send_response(302)
            self.send_header("Location", self.server.moved[path])
            self.end_headers()
        elif path == "/rude.csv":
            self.send_response(404, "\x1b[31mgo away")
            self.end_headers()
        elif path not in self.server.files:
            self.send_error(404)
        else:
            data = self.server.files[path]
            self.send_response(200)
            self.send_header("ETag", str(hash(data)))
            self.send_header("Content-Length", str(self.server.declared.get(path, len(data))))
            self.end_headers()
            if body:
                self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def site() -> Iterator[Site]:
    server = Site()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(autouse=True)
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("EXPLORER_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("EXPLORER_ALLOW_PRIVATE", "1")
    return tmp_path / "cache"


def refused(source: object, **options: object) -> str:
    with pytest.raises(InputError) as problem:
        explorer.read(source, **options)
    assert "\n" not in str(problem.value)
    return str(problem.value)


def kept(shelf: Path) -> list[Path]:
    return [path for path in shelf.rglob("*") if path.is_file()]


ADDRESSES = ("https://h/x.csv", "s3://bucket/x", "HTTP://h/x", "file:///x.csv", Path("https://h/x"), "simplecache::https://h/x")
PATHS = ("C:/x.csv", "C:\\x.csv", "c://x", "x.csv", "/a/b:c/x", "a b://x", "12:30.csv")


@pytest.mark.parametrize(("source", "expected"), [*((each, True) for each in ADDRESSES), *((each, False) for each in PATHS)])
def test_what_is_an_address(source: str | Path, expected: bool) -> None:
    assert is_address(source) == expected


def test_a_file_by_http_is_fetched_once(site: Site, shelf: Path) -> None:
    dataset = explorer.read(site.at("/t.csv?key=secret"), text="words")
    assert dataset.ids.tolist() == ["a", "b", "c"]
    assert dataset.name == "t.csv"
    first = dataset.fingerprint
    assert explorer.read(Path(site.at("/t.csv?key=secret")), text="words").fingerprint == first, "as a path it lost a slash"
    assert site.asked["GET /t.csv"] == 1
    site.files["/t.csv"] = ROWS + b"d,four\n"
    assert len(explorer.read(site.at("/t.csv?key=secret"))) == 4, "changed there, it is fetched again"


def test_a_redirect_is_followed_but_not_out_of_http(site: Site, shelf: Path) -> None:
    site.moved = {
        "/old.csv": "/t.csv",
        "/evil.csv": "file:///etc/passwd",
        "/ftp.csv": "ftp://127.0.0.1/x",
        "/loop.csv": "/loop.csv",
    }
    assert len(explorer.read(site.at("/old.csv"))) == 3
    for path in ("/evil.csv", "/ftp.csv", "/loop.csv"):
        assert len(refused(site.at(path))) < 400
    assert "is not an http or https address" in refused(site.at("/ftp.csv"))
    assert len(kept(shelf)) == 1


def test_what_http_may_refuse(site: Site, shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "answers 404" in refused(site.at("/none.csv"))
    assert "[31mgo away" in refused(site.at("/rude.csv"))
    assert "\x1b" not in refused(site.at("/rude.csv"))
    assert "secret" not in refused(site.at("/none.csv?key=secret"))
    assert "names no file that can be read" in refused(site.at("/folder/"))
    assert "names no file that can be read" in refused(site.at("/x.exe"))
    site.declared["/t.csv"] = 10_000
    assert "was cut off" in refused(site.at("/t.csv"))
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        assert "cannot be fetched" in refused(f"http://127.0.0.1:{unused.getsockname()[1]}/t.csv")
    for odd in ("http:///t.csv", "http://[::1/t.csv", "http://h:port/t.csv", "http://a\x00b/t.csv", "http://nowhere.invalid/t.csv"):
        refused(odd)
    monkeypatch.setattr(cache, "MOST_BYTES", 1000)
    assert "are allowed" in refused(site.at("/big.csv"))
    assert not kept(shelf)


def test_a_file_that_is_here_is_read_where_it_is(tmp_path: Path, shelf: Path) -> None:
    (tmp_path / "a b.csv").write_bytes(ROWS)
    assert len(explorer.read(f"file://{tmp_path}/a%20b.csv")) == 3
    assert len(explorer.read(f"file://{tmp_path}/a b.csv")) == 3
    assert fetched("file:///x/y") == Path("/x/y")
    assert "not on this machine" in refused("file://elsewhere/x.csv")
    assert not kept(shelf)


def test_chains_and_wrappers_are_refused() -> None:
    assert "chain of addresses" in refused("simplecache::https://h/x.csv")
    assert "chain of addresses" in refused("zip://x.csv::https://h/x.zip")
    assert "are not fetched" in refused("reference://x.csv")
    assert "no addresses are called nosuch://" in refused("nosuch://x/y.csv")


def test_a_package_that_is_missing_is_named() -> None:
    pytest.importorskip("fsspec")
    for protocol, package in (("s3", "s3fs"), ("gs", "gcsfs")):
        try:
            __import__(package)
        except ImportError:
            assert f"pip install {package}" in refused(f"{protocol}://bucket/x.csv")


def test_a_file_and_a_folder_of_another_system(shelf: Path) -> None:
    system = pytest.importorskip("fsspec").filesystem("memory")
    for name in "abc":
        system.pipe(f"/remote-test/photos/deep/{name}.png", picture(1))
    system.pipe("/remote-test/t.csv", ROWS)
    system.pipe("/remote-test/x.exe", b"MZ")
    system.mkdir("/remote-test/empty")
    try:
        assert len(explorer.read("memory://remote-test/t.csv")) == 3
        dataset = explorer.read("memory://remote-test/photos")
        assert (dataset.name, dataset.ids.tolist()) == ("photos", ["deep/a.png", "deep/b.png", "deep/c.png"])
        before = {path: path.stat().st_ino for path in kept(shelf)}
        assert explorer.read("memory://remote-test/photos/").fingerprint == dataset.fingerprint
        assert {path: path.stat().st_ino for path in before} == before
        assert "there is nothing at" in refused("memory://remote-test/none.csv")
        assert "names no file that can be read" in refused("memory://remote-test/x.exe")
        assert "holds 0 files" in refused("memory://remote-test/empty")
        system.pipe("/remote-test/photos/../../up.png", picture(1))
        assert "can be written inside a folder" in refused("memory://remote-test/photos")
        assert not list(shelf.parent.rglob("up.png"))
    finally:
        system.rm("/remote-test", recursive=True)


@pytest.fixture
def table(site: Site) -> pd.DataFrame:
    return pd.DataFrame({"id": list("vwxyz"), "url": [*(site.at(f"/{name}.png") for name in "abc"), site.at("/a.png"), None]})


def test_nothing_is_fetched_unasked(site: Site, table: pd.DataFrame, shelf: Path) -> None:
    dataset = explorer.read(table)
    assert "image" not in dataset.roles
    assert any("'url' holds addresses of pictures; give --image url --allow-download" in note for note in dataset.notes)
    said = refused(table, image="url")
    assert "3 addresses on 1 server (127.0.0.1)" in said
    assert "--allow-download" in said
    assert not site.asked
    assert not kept(shelf)


def test_a_column_of_addresses_becomes_one_of_pictures(site: Site, table: pd.DataFrame, shelf: Path) -> None:
    dataset = explorer.read(table, image="url", allow_download=True)
    assert dataset.roles["image"] == "url"
    assert [dataset.picture(row).getpixel((0, 0))[0] for row in range(4)] == [0, 1, 2, 0]
    assert dataset.column("url").isna().tolist() == [False] * 4 + [True]
    assert sum(site.asked.values()) == 3, "the same address is fetched once"
    again = explorer.read(table, image="url", allow_download=True)
    assert sum(site.asked.values()) == 3
    assert again.fingerprint == dataset.fingerprint
    for path in kept(shelf):
        path.unlink()
    assert explorer.read(table, image="url", allow_download=True).fingerprint == dataset.fingerprint, "fetched anew, the same items"
    assert not [path for path in kept(shelf) if path.name.startswith(cache.MARK)]


def test_sounds_by_address(site: Site) -> None:
    table = pd.DataFrame({"call": [site.at(f"/{name}.wav") for name in "abc"], "n": [1, 2, 3]})
    site.files |= {f"/{name}.wav": b"RIFF" for name in "abc"}
    assert any("addresses of sounds; give --audio call" in note for note in explorer.read(table).notes)
    assert explorer.read(table, audio="call", allow_download=True).roles == {"audio": "call"}


def test_what_cannot_be_fetched_is_missing_and_said(
    site: Site, table: pd.DataFrame, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.files["/b.png"] = bytes(5000)
    monkeypatch.setattr(downloads, "MOST_BYTES", 1000)
    dataset = explorer.read(table, image="url", allow_download=True)
    assert dataset.column("url").isna().tolist() == [False, True, False, False, True]
    assert any("1 of 3 addresses in 'url' cannot be fetched" in note and "larger than" in note for note in dataset.notes)
    del site.files["/c.png"]
    for path in kept(shelf):
        path.unlink()
    assert "2 of 3 addresses in the column 'url' cannot be fetched" in refused(table, image="url", allow_download=True)
    assert not [path for path in kept(shelf) if path.name.startswith(cache.MARK)]


def test_what_says_that_it_is_large_is_not_begun(site: Site, tmp_path: Path) -> None:
    site.declared["/t.csv"] = 10_000
    with pytest.raises(InputError, match="larger than"):
        web.save(site.at("/t.csv"), tmp_path / "x", web.Bounds(1000, public=False))


def test_what_is_slow_is_given_up(site: Site, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="takes longer than"):
        web.save(site.at("/t.csv"), tmp_path / "x", web.Bounds(10_000, seconds=1e-9, public=False))
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(InputError, match="timed out"):
            web.save(f"http://127.0.0.1:{silent.getsockname()[1]}/x", tmp_path / "x", web.Bounds(10, quiet=0.1, public=False))


def test_data_may_not_fetch_from_within(site: Site, table: pd.DataFrame, shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EXPLORER_ALLOW_PRIVATE")
    assert "leads to this machine or its own network" in refused(table, image="url", allow_download=True)
    names = pd.DataFrame(
        {"id": [1, 2, 3], "url": [f"http://{host}:{site.server_port}/a.png" for host in ("localhost", "0.0.0.0", "[::1]")]}
    )
    assert "leads to this machine" in refused(names, image="url", allow_download=True)
    monkeypatch.setenv("http_proxy", site.at(""))
    monkeypatch.setenv("no_proxy", "")
    assert "leads to this machine" in refused(table, image="url", allow_download=True), "nor through a proxy"
    assert not site.asked
    assert not kept(shelf)


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("8.8.8.8", True), ("2606:4700::1111", True), ("127.0.0.1", False), ("10.0.0.1", False), ("172.16.3.4", False),
        ("192.168.1.1", False), ("169.254.169.254", False), ("100.64.0.1", False), ("0.0.0.0", False), ("224.0.0.1", False),
        ("::1", False), ("fe80::1", False), ("fd00::1", False), ("::ffff:127.0.0.1", False), ("2002:7f00:1::", False),
        ("64:ff9b::7f00:1", False), ("64:ff9b::808:808", True),
    ],
)  # fmt: skip
def test_which_numbers_are_outside(number: str, expected: bool) -> None:
    assert web.is_public(number) == expected


def test_fetched_pictures_go_after_a_month(site: Site, table: pd.DataFrame, shelf: Path) -> None:
    explorer.read(table, image="url", allow_download=True)
    old, *rest = sorted(kept(shelf))
    os.utime(old, (time.time() - cache.UNUSED - 9, 0))
    downloads._sweep(shelf / downloads.SHELF)
    assert sorted(kept(shelf)) == rest


def test_addresses_that_are_no_addresses(site: Site) -> None:
    odd = ["http://[::1/x.png", "http://\x1bred/x.png", "https://", "http://a b/c.png", site.at("/a.png"), "x" * 5000]
    table = pd.DataFrame({"id": range(6), "url": odd})
    explorer.read(table)
    assert "\x1b" not in refused(table, image="url")
    assert "4 of 5 addresses" in refused(table, image="url", allow_download=True)
