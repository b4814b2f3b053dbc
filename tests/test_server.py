"""Real servers in processes of their own: who gets in, who does not, and that nothing is left when one ends."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import psutil
import pytest
from bokeh.util.token import get_token_payload
from serving import Server
from waiting import until

PATHS = [
    "/", "/ws", "/static/js/bokeh.min.js", "/static/extensions/panel/panel.min.js", "/autoload.js", "/metadata", "/nowhere",
    "/.git/config",
]  # fmt: skip


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Server]]:
    """All that these tests need, started together."""
    source = tmp_path_factory.mktemp("served") / "x.npy"
    np.save(source, np.random.default_rng(0).normal(size=(60, 5)).astype(np.float32))
    asked: dict[str, list[str]] = {
        "local": [], "open": ["--host", "0.0.0.0"], "to interrupt": [], "to terminate": ["--host", "0.0.0.0"], "to kill": [],
    }  # fmt: skip
    made = {name: Server(source, "--no-workspace", *arguments) for name, arguments in asked.items()}
    yield made
    for one in made.values():
        one.end()


@pytest.fixture
def local(servers: dict[str, Server]) -> Server:
    return servers["local"]


@pytest.fixture
def guarded(servers: dict[str, Server]) -> Server:
    return servers["open"]


def listens_on(server: Server) -> set[str]:
    port = server.port  # known once it listens
    found = psutil.Process(server.process.pid).net_connections(kind="inet")
    return {one.laddr.ip for one in found if one.status == psutil.CONN_LISTEN and one.laddr.port == port}


# This computer only


def test_only_this_computer_is_listened_to(local: Server) -> None:
    assert urlsplit(local.link).hostname == "127.0.0.1"
    assert local.token == ""
    assert listens_on(local) == {"127.0.0.1"}
    others = [one for one in psutil.Process(local.process.pid).net_connections(kind="inet") if one.status == psutil.CONN_LISTEN]
    assert len(others) == 1, "and on nothing else"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_the_page_and_its_socket_under_every_name_of_this_computer(host: str, local: Server) -> None:
    name = f"{host}:{local.port}"
    session = local.session(Host=name)
    assert local.socket(session, Host=name, Origin=f"http://{name}")["msgtype"] == "ACK"  # type: ignore[index]
    assert local.get("/", Host=host)[0] == 200, "with any port, as through a tunnel"
    assert local.get("/", Host=f"{host}:8000")[0] == 200


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "http://evil.example:{port}", "https://127.0.0.1.evil.example:{port}", "http://localhost:1", "null"],
)
def test_a_page_of_a_stranger_gets_no_socket(origin: str, local: Server) -> None:
    assert local.socket(local.session(), Origin=origin.format(port=local.port)) == 403


@pytest.mark.parametrize(
    "name",
    ["evil.example", "evil.example:{port}", "127.0.0.1.evil.example", "localhost.evil.example:{port}", "0.0.0.0:{port}", "[::1", "",
     "evil@127.0.0.2.example", "192.168.0.7:{port}", "127.0.0.1,evil.example"],
)  # fmt: skip
def test_a_name_that_a_stranger_leads_here_is_refused(name: str, local: Server) -> None:
    """DNS rebinding: to the browser the stranger's page and ours would be of one origin."""
    session, name = local.session(), name.format(port=local.port)
    for path in PATHS:
        status, _, body = local.get(path, Host=name)
        assert status in {400, 403}, path
        assert "bokeh" not in body
    assert local.socket(session, Host=name, Origin=f"http://{name}") in {400, 403}


# Every address


def test_another_address_needs_the_token_that_was_printed(guarded: Server, servers: dict[str, Server]) -> None:
    assert listens_on(guarded) == {"0.0.0.0"}
    assert len(guarded.token) >= 30
    assert guarded.token != servers["to terminate"].token, "another one at each start"


@pytest.mark.parametrize(
    "path", [*PATHS, "/?token=", "/?token=wrong", "/?token=%ff%fe", "/nowhere?token={token}", "/ws?token={token}", "//"]
)
def test_without_the_token_nothing_is_told(path: str, guarded: Server) -> None:
    path = path.format(token=guarded.token)
    for method in ("GET", "POST", "HEAD", "OPTIONS", "PUT"):
        status, headers, body = guarded.get(path, method)
        assert status == 403, (method, path)
        assert "Set-Cookie" not in headers
        assert "bokeh" not in body
    assert guarded.get(path, Cookie="explorer-token=wrong")[0] == 403
    name = guarded.cookie().partition("=")[0]
    for wrong in ["", "wrong", guarded.token[:-1], "\xff"]:
        assert guarded.get(path, Cookie=f"{name}={wrong}")[0] == 403


def test_a_token_of_another_start_is_wrong(guarded: Server, servers: dict[str, Server]) -> None:
    assert guarded.get(f"/?token={servers['to terminate'].token}")[0] == 403
    assert guarded.get(f"/?token={guarded.token}&token=wrong")[0] == 403


def test_the_link_lets_in_and_leaves_no_token_in_the_address(guarded: Server) -> None:
    status, headers, body = guarded.get(f"/?token={guarded.token}")
    assert (status, headers["Location"]) == (302, "/")
    assert "httponly" in headers["Set-Cookie"].lower()
    assert "samesite=strict" in headers["Set-Cookie"].lower()
    assert guarded.token not in body
    cookie = guarded.cookie()
    for name in ("127.0.0.1", "my-server.example:80", "192.168.0.7"):
        assert guarded.get("/", Cookie=cookie, Host=name)[0] == 200, "whatever the machine is called"
    assert guarded.get("/static/js/bokeh.min.js", Cookie=cookie)[0] == 200
    assert guarded.get("/nowhere", Cookie=cookie)[0] == 404


def test_a_socket_needs_the_cookie(guarded: Server) -> None:
    cookie = guarded.cookie()
    session = guarded.session(Cookie=cookie)
    assert guarded.socket(session, Cookie=cookie)["msgtype"] == "ACK"  # type: ignore[index]
    assert guarded.socket(session) == 403
    assert guarded.socket(session, Cookie=cookie[:-1]) == 403
    assert guarded.socket("made up") == 403


def test_a_page_of_another_port_of_this_machine_gets_no_socket(guarded: Server) -> None:
    """The browser sends it our cookie: to SameSite all ports are one site."""
    cookie = guarded.cookie()
    session = guarded.session(Cookie=cookie)
    for origin in ("http://127.0.0.1:1", "http://evil.example", "null", "http://[::1"):
        assert guarded.socket(session, Cookie=cookie, Origin=origin) == 403
    same = f"http://127.0.0.1:{guarded.port}"
    assert guarded.socket(session, Cookie=cookie, Origin=same)["msgtype"] == "ACK"  # type: ignore[index]


def test_what_lets_in_is_not_in_the_page(guarded: Server) -> None:
    """There scripts could read it; nor in the session's token, which repeats a request's headers."""
    cookie = guarded.cookie()
    body = guarded.get("/", Cookie=cookie)[2]
    assert guarded.token not in body
    token = guarded.session(Cookie=cookie)
    assert guarded.token not in str(get_token_payload(token))


# The end


def with_a_child(server: Server) -> list[psutil.Process]:
    """The child processes of a server, once there is one."""
    parent = psutil.Process(server.port and server.process.pid)
    return list(until(lambda: parent.children(recursive=True), "a child that is kept ready"))


def assert_gone(children: list[psutil.Process]) -> None:
    _, alive = psutil.wait_procs(children, timeout=15)
    assert not alive


def rests(process: psutil.Process) -> bool:
    """Whether a process that has done its imports (the compiler comes last) does nothing for a while."""
    loaded = any("llvmlite" in one.path for one in process.memory_maps())
    before = sum(process.cpu_times()[:2])
    time.sleep(0.7)
    return loaded and sum(process.cpu_times()[:2]) - before < 0.02


def test_ctrl_c_ends_it_with_status_0_and_no_child(servers: dict[str, Server]) -> None:
    server = servers["to interrupt"]
    children = with_a_child(server)
    folders = folders_of([*children, psutil.Process(server.process.pid)])
    assert folders, "the items are read from one"
    server.process.send_signal(signal.SIGINT)
    assert server.process.wait(60) == 0
    assert_gone(children)
    assert not [folder for folder in folders if folder.exists()], "what was kept for the time of the visit"
    until(lambda: server.said[-1] == "explorer: stopped\n", "the last word")
    assert not [line for line in server.said if "Traceback" in line]


def folders_of(processes: list[psutil.Process]) -> set[Path]:
    """The temporary folders of which a process has files open."""
    paths = [one.path for process in processes for one in process.memory_maps() if "/explorer-" in one.path]
    return {Path(path.split("/explorer-")[0]) / ("explorer-" + path.split("/explorer-")[1].split("/")[0]) for path in paths}


def test_an_ended_service_leaves_no_child(servers: dict[str, Server]) -> None:
    server = servers["to terminate"]
    children = with_a_child(server)
    server.process.terminate()
    assert server.process.wait(60) == 0
    assert_gone(children)


def test_a_server_that_is_killed_leaves_no_child(servers: dict[str, Server]) -> None:
    """Not even one that waits for work, and would not notice by writing to nobody."""
    server = servers["to kill"]
    children = with_a_child(server)
    until(lambda: all(rests(child) for child in children), "a child that has nothing to do", seconds=180)
    server.process.kill()
    server.process.wait(60)
    assert_gone(children)
