"""Who is at the page: real servers with a login, and clients that try all the ways around it."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
import pytest
from bokeh.util.token import generate_jwt_token, generate_session_id, get_session_id, get_token_payload
from hypothesis import given
from hypothesis import strategies as st
from serving import Server, drained

from explorer.errors import InputError
from explorer.views.logins import LASTS, TRIES, Logins, Tries, address_key
from explorer.views.users import COST, Secret, Users, checked_name, read_users, write_users

ROOT = Path(__file__).parents[1]
ZOE, BOB = ("Zoë 🦉", "pässwörd ✓ 日本"), ("bob", " spaces  at the end ")
PATHS = ["/ws", "/static/js/bokeh.min.js", "/static/extensions/panel/panel.min.js", "/autoload.js", "/metadata", "/nowhere", "//",
         "//evil.example", "/login/", "/logout/x", "/./login"]  # fmt: skip


def make(path: Path, *users: tuple[str, str]) -> Path:
    """A login file, made by the command as people make it."""
    for name, password in users:
        done = subprocess.run(
            [sys.executable, "-m", "explorer.cli", "login", str(path), "--add", name],
            input=f"{password}\n".encode(),
            capture_output=True,
        )
        assert done.returncode == 0, done.stderr
        assert password not in done.stdout.decode()
    return path


@dataclass
class Site:
    """A server with a login, its file, and its workspace."""

    server: Server
    file: Path
    workspace: Path

    def form(self, address: str = "127.0.0.1") -> tuple[str, str]:
        """The form's cookie and its hidden field."""
        _, headers, body = self.server.get("/login", address=address)
        found = re.search(r'name="form" value="(\w+)"', body)
        assert found
        return headers["Set-Cookie"].split(";")[0], found[1]

    def log_in(
        self, name: str, password: str, address: str = "127.0.0.1", form: tuple[str, str] | None = None, **headers: str
    ) -> Any:
        """Status, headers and body of a try."""
        cookie, field = form or self.form(address)
        body = urlencode({"name": name, "password": password, "form": field})
        return self.server.get("/login", "POST", body=body, address=address, **({"Cookie": cookie} | headers))

    def cookie(self, user: tuple[str, str], address: str = "127.0.0.1") -> str:
        """What the browser of somebody who logged in carries."""
        status, headers, _ = self.log_in(*user, address)
        assert (status, headers["Location"]) == (303, "./")
        return headers["Set-Cookie"].split(";")[0]

    def authors(self) -> list[str]:
        """Who made each category, as the journal says it."""
        with sqlite3.connect(self.workspace / "journal.sqlite") as journal:
            return [user for (user,) in journal.execute("SELECT user FROM journal ORDER BY seq")]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    np.save(folder / "secret name.npy", np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32))
    file = make(folder / "users", ZOE, BOB)
    options = ["--login", str(file), "--host", "0.0.0.0", "--reduce", "pca", "--cluster", "kmeans", "--set", "cluster.n_clusters=2"]
    made = Site(Server(folder / "secret name.npy", *options), file, folder / "secret name.explorer")
    yield made
    made.server.end()


# Nobody unknown gets in


def test_who_has_not_logged_in_is_led_to_the_form_and_told_nothing(site: Site) -> None:
    assert site.server.token == "", "a login takes its place, at every address"
    status, headers, body = site.server.get("/")
    assert (status, headers["Location"], body) == (302, "login", "")
    status, headers, body = site.server.get("/login")
    assert status == 200
    assert "secret name" not in body
    assert "bokeh" not in body
    assert "script" not in body
    assert headers["Cache-Control"] == "no-store"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", PATHS)
def test_every_path_is_guarded(path: str, site: Site) -> None:
    for method in ("GET", "POST", "HEAD", "OPTIONS", "PUT", "DELETE"):
        status, headers, body = site.server.get(path, method)
        assert status == 403, (method, path)
        assert "Location" not in headers
        assert "Set-Cookie" not in headers
        assert "bokeh" not in body
    for method in ("POST", "HEAD", "PUT"):
        assert site.server.get("/", method)[0] == 403


def test_a_login_lets_in_whatever_the_keyboards_spelling(site: Site) -> None:
    composed, decomposed = "Zoë 🦉", "Zoe\u0308 🦉"
    assert composed != decomposed
    cookie = site.cookie((decomposed, ZOE[1].replace("ä", "a\u0308")), "127.0.1.1")
    assert site.server.get("/", Cookie=cookie)[0] == 200
    assert site.server.get("/static/js/bokeh.min.js", Cookie=cookie)[0] == 200
    assert site.server.get("/nowhere", Cookie=cookie)[0] == 404
    assert site.server.socket(site.server.session(Cookie=cookie), Cookie=cookie)["msgtype"] == "ACK"  # type: ignore[index]
    assert site.server.get("/login", Cookie=cookie)[1]["Location"] == "./"


def test_the_cookie_is_for_the_browser_alone(site: Site) -> None:
    _, headers, _ = site.log_in(*BOB, "127.0.1.2")
    (morsel,) = SimpleCookie(headers["Set-Cookie"]).values()
    assert (morsel["httponly"], morsel["samesite"], morsel["secure"]) == (True, "Strict", "")
    assert int(morsel["max-age"]) == LASTS
    _, headers, _ = site.log_in(*BOB, "127.0.1.2", X_Forwarded_Proto="https")
    (morsel,) = SimpleCookie(headers["Set-Cookie"]).values()
    assert morsel["secure"] is True
    cookie = f"{morsel.key}={morsel.value}"
    told = site.server.get("/", Cookie=cookie)[2] + str(get_token_payload(site.server.session(Cookie=cookie)))
    assert morsel.value not in told, "nor is it in the page, where scripts could read it"


@pytest.mark.parametrize(
    "user", [("bob", "wrong one"), ("bob", ""), ("bob", BOB[1].strip()), ("BOB", BOB[1]), ("", ""), ("nobody", BOB[1])]
)
def test_a_wrong_password_is_refused_in_the_same_words(user: tuple[str, str], site: Site) -> None:
    status, headers, body = site.log_in(*user, f"127.0.2.{sum(map(ord, ''.join(user))) % 250 + 1}")
    assert status == 403
    assert "There is no such user with that password." in body
    assert "Set-Cookie" not in headers


def test_what_is_typed_is_text(site: Site) -> None:
    _, _, body = site.log_in('"><script>alert(1)</script>', "x", "127.0.1.3")
    assert "<script" not in body
    assert "&lt;script&gt;" in body


def forgeries(site: Site, cookie: str) -> dict[str, str]:
    """Cookies that are worth nothing."""
    name, _, value = cookie.partition("=")
    payload, _, signature = value.partition(".")
    stranger = Logins(site.file)
    stranger._users = Users(bytes(32), stranger.users.secrets)
    long_ago, just_over = (Logins(site.file, clock=lambda ago=ago: time.time() - ago) for ago in (10 * LASTS, LASTS + 1))  # type: ignore[misc]
    values = {
        "another key": stranger.begin("bob"), "long ago": long_ago.begin("bob"), "just over": just_over.begin("bob"), "nothing": "",
        "no signature": f"{payload}.", "shorter": value[:-1], "longer": f"{value}0",
        "payload edited": f"{payload[:-2]}AA.{signature}", "a dot": ".", "only the name": "bob",
        "another's payload": f"{Logins(site.file).begin(ZOE[0]).partition('.')[0]}.{signature}", "not text": "\xff.\xff",
        "lists": f"W1tbW1tb.{signature}", "deep": f"{'W1tb' * 480}.{signature}", "a number": f"MQ.{signature}",
        "huge": "A" * 9000,
    }  # fmt: skip
    return {what: f"{name}={value}" for what, value in values.items()}


def test_forged_edited_and_old_cookies_are_refused(site: Site) -> None:
    cookie = site.cookie(BOB, "127.0.1.4")
    session = site.server.session(Cookie=cookie)
    for what, forged in forgeries(site, cookie).items():
        assert site.server.get("/", Cookie=forged)[0] == 302, what
        assert site.server.get("/static/js/bokeh.min.js", Cookie=forged)[0] == 403, what
        assert site.server.socket(session, Cookie=forged) == 403, what
    assert site.server.socket(session) == 403
    assert site.server.socket(session, Cookie=cookie.replace("explorer-login", "explorer-token")) == 403
    almost = Logins(site.file, clock=lambda: time.time() - LASTS + 3600)
    assert site.server.get("/", Cookie=f"{almost.cookie}={almost.begin('bob')}")[0] == 200, "it ends when it should, and not before"


def test_a_form_of_elsewhere_logs_nobody_in(site: Site) -> None:
    """Else a stranger's page could log a person in as somebody else, whose labels theirs would then be."""
    cookie, field = site.form()
    other, _ = site.form()
    for form in [(other, field), ("explorer-form=", field), (cookie, ""), (cookie, field[:-1])]:
        status, headers, body = site.log_in(*BOB, "127.0.1.5", form)
        assert status == 403
        assert "explorer-login" not in str(headers)
        assert "Try again" in body
    for origin in ("http://evil.example", "http://127.0.0.1:1", "null", "http://[::1"):
        assert site.log_in(*BOB, "127.0.1.5", (cookie, field), Origin=origin)[0] == 403
        assert site.server.get("/", Origin=origin)[0] == 403
    assert site.log_in(*BOB, "127.0.1.5", (cookie, field), Origin=f"http://127.0.0.1:{site.server.port}")[0] == 303


def test_it_leads_nowhere_else(site: Site) -> None:
    cookie, field = site.form()
    body = urlencode({"name": BOB[0], "password": BOB[1], "form": field, "next": "//evil.example"})
    for path in ("/login?next=//evil.example", "/login?next=https://evil.example", "/login?url=/\\evil.example"):
        status, headers, _ = site.server.get(path, "POST", body=body, address="127.0.1.6", Cookie=cookie)
        assert (status, headers["Location"]) == (303, "./")
    assert site.server.get("/?next=//evil.example")[1]["Location"] == "login"
    status, headers, body = site.server.get("/", Sec_Fetch_Site="cross-site")
    assert (status, "url=login" in body) == (200, True), (
        "after a link in a letter the browser asks again, and then shows its cookie"
    )


def test_a_stranger_sends_no_heap(site: Site) -> None:
    for path in ("/login", "/logout", "/ws", "/", "/nowhere"):
        # announced, not sent: a connection that is closed with something unread may take the answer with it
        assert site.server.get(path, "POST", Content_Length="40000")[0] == 400
        assert site.server.get(path, "POST", body="x" * 4_000)[0] in {403, 405}


# Tries


def test_two_hundred_wrong_passwords_at_once_are_ten_tries_and_then_the_right_one_waits(site: Site) -> None:
    """Of one user, from many addresses: nobody can guess at more than ten a minute."""
    form = site.form()

    def guess(number: int) -> tuple[int, Any, str]:
        return site.log_in(ZOE[0], f"guess number {number}", f"127.1.{number}.7", form)  # type: ignore[no-any-return]

    before = time.monotonic()
    with ThreadPoolExecutor(40) as pool:
        answers = list(pool.map(guess, range(200)))
    assert time.monotonic() - before < 55, "too slow a machine for this test: the minute was over"
    statuses = Counter(status for status, _, _ in answers)
    assert statuses[403] <= TRIES
    assert statuses[403] + statuses[429] == 200
    status, headers, body = site.log_in(*ZOE, "127.1.0.9", form)
    assert status == 429, "the right one too: else guesses would go on"
    assert 1 <= int(headers["Retry-After"]) <= 60
    assert f"Wait {headers['Retry-After']} second" in body
    assert site.log_in(*BOB, "127.1.0.10")[0] == 303, "others are not kept out"


def test_an_address_has_ten_tries_for_all_names_together(site: Site) -> None:
    form = site.form()
    with ThreadPoolExecutor(20) as pool:
        statuses = Counter(pool.map(lambda number: site.log_in(f"user {number}", "password 1", "127.0.1.7", form)[0], range(40)))
    assert statuses == {403: TRIES, 429: 40 - TRIES}
    assert site.log_in(*BOB, "127.0.1.7", form, X_Forwarded_For="10.0.0.1")[0] == 429, "an address is not what a client says"


def test_who_knows_the_password_is_not_counted(site: Site) -> None:
    form = site.form()
    for _ in range(TRIES + 1):
        assert site.log_in(*BOB, "127.0.1.11", form)[0] == 303


@given(st.lists(st.tuples(st.floats(0, 20), st.sets(st.sampled_from("abc"), min_size=1)), max_size=80))
def test_tries_are_at_most_ten_in_any_minute(asked: list[tuple[float, set[str]]]) -> None:
    """Against the slow way: look at every try there was."""
    now = 0.0
    tries = Tries(lambda: now)
    made: list[tuple[float, set[str]]] = []
    for pause, keys in asked:
        now += pause
        recent = {key: sorted(at for at, of in made if key in of and at > now - 60) for key in keys}
        waits = [times[-TRIES] + 60 - now for times in recent.values() if len(times) >= TRIES]
        given = tries.take(keys)
        assert (given > 0) == bool(waits)
        if waits:
            assert max(waits) <= given < max(waits) + 1 + 1e-6 or given == 1
        else:
            made.append((now, keys))


def test_a_try_that_succeeds_does_not_count_and_forgives_nothing() -> None:
    tries = Tries(lambda: 0.0)
    for _ in range(TRIES - 1):
        tries.take(["user a"])
    for _ in range(30):
        assert tries.take(["user a"]) == 0
        tries.give_back(["user a"])
    assert tries.take(["user a"]) == 0
    assert tries.take(["user a"]) == 60
    assert not Tries(lambda: 0.0).take(["user b"])


def test_an_address_is_a_network_where_one_machine_has_many() -> None:
    assert address_key("2001:db8::1") == address_key("2001:db8::2:3") != address_key("2001:db8:0:1::1")
    assert address_key("::ffff:10.0.0.1") == address_key("10.0.0.1") != address_key("10.0.0.2")
    assert address_key("") != address_key("10.0.0.1")


# Who it is


def test_the_author_is_who_logged_in_whatever_the_client_says(site: Site) -> None:
    cookie = site.cookie(BOB, "127.0.1.8")
    says = {"Cookie": f"user=Ann; is_guest=1; {cookie}", "X_User": "Ann", "X_Forwarded_User": "Ann", "Remote_User": "Ann"}
    session = site.server.session("/?user=Ann&name=Ann", **says)
    before = len(site.authors())
    site.server.say(session, {"verb": "create", "name": "one"}, Cookie=cookie)
    site.server.say(session, {"verb": "create", "name": "two", "user": "Ann"}, {"verb": "user", "name": "Ann"}, Cookie=cookie)
    payload = {
        "headers": {"Cookie": "user=Ann"},
        "cookies": {"user": "Ann", "is_guest": "1"},
        "arguments": {"user": ["Ann"]},
        "explorer_user": "Ann",
    }
    made_up = generate_jwt_token(generate_session_id(), extra_payload=payload)
    site.server.say(made_up, {"verb": "create", "name": "three"}, Cookie=cookie)
    assert site.authors()[before:] == ["bob", "bob"], "the message that names another is refused"


def test_nobody_joins_anothers_visit(site: Site) -> None:
    bob, zoe = (f"{logins.cookie}={logins.begin(name)}" for logins, name in ((Logins(site.file), one[0]) for one in (BOB, ZOE)))
    session = site.server.session(Cookie=bob)
    assert site.server.socket(session, Cookie=zoe) == 403
    assert site.server.socket(generate_jwt_token(get_session_id(session)), Cookie=zoe) == 403
    assert site.server.socket(session, Cookie=bob)["msgtype"] == "ACK"  # type: ignore[index]
    for nonsense in ("made up", "e30", "W10", "!", "W1tb" * 400):
        assert site.server.socket(nonsense, Cookie=bob) == 403
    chosen = generate_session_id()
    for path in (f"/?bokeh-session-id={chosen}", f"/?bokeh-token={session}", f"/autoload.js?bokeh-session-id={chosen}"):
        assert site.server.get(path, Cookie=zoe)[0] == 403
    assert site.server.get("/", Cookie=zoe, Bokeh_Session_Id=chosen)[0] == 403


# The end of a login


def test_a_log_out_ends_it_here_and_everywhere(site: Site, tmp_path: Path) -> None:
    cookie = site.cookie(BOB, "127.0.1.9")
    other = site.cookie(BOB, "127.0.1.9")
    session = site.server.session(Cookie=cookie)
    elsewhere = Logins(site.file)
    carried = cookie.partition("=")[2]
    assert elsewhere.who(carried) == "bob"

    async def logged_out() -> Any:
        async with site.server.opened(session, Cookie=cookie) as socket:
            answer = await asyncio.to_thread(site.server.get, "/logout", Cookie=cookie)
            await drained(socket)
        return answer

    for where in ("cross-site", "same-site"):
        assert site.server.get("/logout", Cookie=cookie, Sec_Fetch_Site=where)[0] == 302
    assert site.server.get("/", Cookie=cookie)[0] == 200, "another site's picture of that address logs nobody out"
    status, headers, body = asyncio.run(logged_out())
    assert (status, "You are logged out." in body) == (200, True)
    assert "explorer-login" in str(headers)
    assert site.server.get("/", Cookie=cookie)[0] == 302
    assert site.server.socket(session, Cookie=cookie) == 403
    assert site.server.get("/", Cookie=other)[0] == 200, "another browser stays"
    assert elsewhere.who(carried) is None, "another server of the same file knows"
    assert Logins(site.file).who(carried) is None, "and so does the next start"
    assert Logins(site.file).who(other.partition("=")[2]) == "bob", "which asks nobody again who is logged in"
    assert (site.file.with_name("users.ended").stat().st_mode & 0o777) == 0o600


def test_an_open_page_ends_with_its_user(site: Site) -> None:
    write_users(site.file, read_users(site.file).add("guest", "for an hour"))
    cookie = site.cookie(("guest", "for an hour"), "127.0.1.10")
    session = site.server.session(Cookie=cookie)

    async def until_closed() -> None:
        async with site.server.opened(session, Cookie=cookie) as socket:
            write_users(site.file, read_users(site.file).remove("guest"))
            await drained(socket)

    asyncio.run(until_closed())
    assert site.server.get("/", Cookie=cookie)[0] == 302


def test_a_new_password_ends_the_logins_of_the_old_one(tmp_path: Path) -> None:
    users = Users.nobody().add("a", "password 1").add("b", "password 2")
    write_users(tmp_path / "users", users)
    logins = Logins(tmp_path / "users")
    one, two = logins.begin("a"), logins.begin("b")
    write_users(tmp_path / "users", users.add("a", "password 3"))
    assert (logins.who(one), logins.who(two)) == (None, "b")
    (tmp_path / "users").write_text("damaged")
    assert (logins.who(one), logins.who(two)) == (None, "b"), "what it was before it was damaged"


def test_panels_own_login_names_the_author_too(tmp_path: Path) -> None:
    """`panel serve apps/dashboard.py`: a cookie that says "guest" does not make one."""
    np.save(tmp_path / "x.npy", np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32))
    (tmp_path / "users.json").write_text(json.dumps({"carol": "password 4"}))
    app = ["panel", "serve", str(ROOT / "apps" / "dashboard.py"), "--port", "0", "--address", "127.0.0.1"]
    login = ["--basic-auth", str(tmp_path / "users.json"), "--cookie-secret", "not a secret"]
    command = [*app, *login, "--args", str(tmp_path / "x.npy"), str(tmp_path / "w")]
    server = Server(tmp_path, command=(sys.executable, "-m", *command))
    try:
        form = urlencode({"username": "carol", "password": "password 4"})
        _, headers, _ = server.get("/login", "POST", body=form)
        cookie = next(each.split(";")[0] for each in headers.get_all("Set-Cookie", []) if each.startswith("user="))
        session = server.session("/dashboard", Cookie=f"{cookie}; is_guest=1")
        payload = {"headers": {}, "cookies": {"is_guest": "1"}, "arguments": {}}
        made_up = generate_jwt_token(generate_session_id(), extra_payload=payload)
        for name, visit in (("one", session), ("two", made_up)):
            server.say(visit, {"verb": "create", "name": name}, path="/dashboard/ws", Cookie=cookie)
        with sqlite3.connect(tmp_path / "w" / "journal.sqlite") as journal:
            assert [user for (user,) in journal.execute("SELECT user FROM journal")] == ["carol", "carol"]
    finally:
        server.end()


# The file


def test_the_file_holds_no_password_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    path = make(tmp_path / "users", ("ada", "password 1"), ("ada", "password 2"), ("Bo", "password 1"))
    assert path.stat().st_mode & 0o777 == 0o600
    assert "password" not in path.read_text()
    users = read_users(path)
    assert (users.fits("ada", "password 2"), users.fits("ada", "password 1"), users.fits("Ada", "password 2")) == (
        True,
        False,
        False,
    )
    assert users.secrets["ada"].hash != users.secrets["Bo"].hash
    assert [each.name for each in tmp_path.iterdir()] == ["users"]


GOOD = '{"kind": "explorer login", "version": 1, "key": "%s", "users": {%s}}'


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "is not a login file"),
        ("bob:hunter2\n", "passwords that can be read are not taken"),
        ('{"bob": "hunter2"}', "passwords that can be read are not taken"),
        ("[1, 2]", "is not a login file"),
        ("[" * 100_000, "is not a login file"),
        (GOOD % ("00" * 32, ""), "names no user"),
        (GOOD % ("00" * 31, ""), "is damaged"),
        (GOOD % ("zz", ""), "is damaged"),
        (GOOD % ("00" * 32, '"bob": "hunter2"'), "is damaged"),
        (
            GOOD % ("00" * 32, f'"bob": {{"scrypt": [1073741824, 8, 5], "salt": "{"00" * 16}", "hash": "{"00" * 64}"}}'),
            "is damaged",
        ),
        (GOOD % ("00" * 32, '"bob": {"scrypt": [16384, 8, 5], "salt": "", "hash": ""}'), "is damaged"),
        (GOOD.replace("1", "2") % ("00" * 32, ""), "of a newer explorer"),
    ],
)
def test_a_file_that_is_not_right_is_refused(content: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "users"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(InputError, match=says):
        read_users(path)


@pytest.mark.skipif(os.name != "posix", reason="rights are POSIX's")
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o660, 0o604, 0o620])
def test_a_file_that_others_may_read_is_refused_with_what_to_do(
    mode: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from explorer.cli import main

    path = tmp_path / "users"
    write_users(path, Users.nobody().add("ada", "password 1"))
    path.chmod(mode)
    np.save(tmp_path / "x.npy", np.zeros((5, 3)))
    assert main(["open", str(tmp_path / "x.npy"), "--login", str(path)]) == 2
    said = capsys.readouterr().err
    assert f"chmod 600 {path}" in said
    assert said.count("\n") == 1


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "none", tmp_path / "pipe", Path("/dev/zero"), Path("\0")):
        with pytest.raises(InputError):
            read_users(path)


@given(st.data())
def test_a_mutated_file_is_refused_or_lets_the_same_people_in(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.getbasetemp() / "mutated"
    secret = Secret(COST, bytes(16), bytes(64))  # made up: hashing is slow on purpose
    write_users(path, Users(bytes(32), {"ada": secret}))
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))] if data.draw(st.booleans()) else content)
    try:
        users = read_users(path)
    except InputError:
        return
    assert len(users.secrets) == 1


@pytest.mark.parametrize("name", ["", " ", "x" * 101, "a\nb", "a\x00", "a\u200bb", "\u202eada", "a\u2028b", "\ud800", "a\u00a0b"])
def test_names_that_could_be_taken_for_anothers(name: str) -> None:
    with pytest.raises(InputError, match="can be seen"):
        checked_name(name)


def test_names_and_passwords_that_are_allowed() -> None:
    assert checked_name(" Zoe\u0308 🦉 ") == "Zoë 🦉"
    users = Users.nobody().add("ada", "password 1")
    for name, password, says in [
        ("Ada", "password 1", "could be taken for"), ("bo", "short", "8 to 1000"), ("bo", "x" * 1001, "8 to 1000"),
        ("bo", "tab\tin it", "control"),
    ]:  # fmt: skip
        with pytest.raises(InputError, match=says):
            users.add(name, password)
    assert users.remove("ada").secrets == {}


def test_the_command_asks_twice_on_a_terminal(tmp_path: Path) -> None:
    import pty

    for second, status in (("password 1", 0), ("password 2", 2)):
        ours, theirs = pty.openpty()
        command = [
            "setsid",
            "-c",
            "-w",
            sys.executable,
            "-m",
            "explorer.cli",
            "login",
            str(tmp_path / f"users{status}"),
            "--add",
            "ada",
        ]
        process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs)
        os.close(theirs)
        said = ""
        for prompt, answer in (("Password for ada: ", "password 1"), ("The same again: ", second)):
            while prompt not in said:
                said += os.read(ours, 1000).decode()
            os.write(ours, f"{answer}\n".encode())
        assert process.wait(30) == status
        os.close(ours)
        assert "password" not in said.replace("Password", "")
    assert read_users(tmp_path / "users0").fits("ada", "password 1")
    assert not (tmp_path / "users2").exists()


def test_the_command_lists_and_removes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from explorer.cli import main

    path = tmp_path / "users"
    write_users(path, Users.nobody().add("ada", "password 1").add("bo", "password 2"))
    assert main(["login", str(path), "--list"]) == 0
    assert capsys.readouterr().out == "ada\nbo\n"
    assert main(["login", str(path), "--remove", "boo"]) == 2
    assert "did you mean 'bo'" in capsys.readouterr().err
    assert main(["login", str(path), "--remove", "bo"]) == 0
    assert main(["login", str(path), "--remove", "ada"]) == 2
    assert list(read_users(path).secrets) == ["ada"]
