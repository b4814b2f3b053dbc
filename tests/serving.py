"""A real server in a process of its own, and what its clients do: ask for pages, open sockets, send messages."""

from __future__ import annotations

import asyncio
import http.client
import json
import re
import secrets
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect


class Server:
    """``explorer open`` in a process of its own; started at once, waited for when it is asked something."""

    def __init__(self, source: Path, *arguments: str, command: tuple[str, ...] = ()) -> None:
        command = command or (sys.executable, "-m", "explorer.cli", "open", str(source), "--no-browser", *arguments)
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.said: list[str] = []
        self._told = threading.Event()
        self._link = ""
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _listen(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said.append(line)
            if found := re.search(r"http://\S+", line):
                self._link = self._link or found[0]
                self._told.set()
        self._told.set()

    @property
    def link(self) -> str:
        assert self._told.wait(240), self.said
        assert self._link, self.said
        return self._link

    @property
    def port(self) -> int:
        return urlsplit(self.link).port or 0

    @property
    def token(self) -> str:
        return parse_qs(urlsplit(self.link).query).get("token", [""])[0]

    def get(
        self, path: str, method: str = "GET", *, body: str | None = None, address: str = "127.0.0.1", **headers: str
    ) -> tuple[int, http.client.HTTPMessage, str]:
        """Status, headers and body; asked from one of this machine's own addresses."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60, source_address=(address, 0))
        connection.putrequest(method, path, skip_host=True)
        if body is not None:
            headers = {"Content-Type": "application/x-www-form-urlencoded", "Content-Length": str(len(body))} | headers
        for name, value in ({"Host": f"127.0.0.1:{self.port}"} | headers).items():
            connection.putheader(name.replace("_", "-"), value)
        connection.endheaders(None if body is None else body.encode())
        answer = connection.getresponse()
        body = answer.read().decode("utf-8", "replace")
        connection.close()
        return answer.status, answer.headers, body

    @asynccontextmanager
    async def opened(self, session: str, path: str = "/ws", **headers: str) -> AsyncIterator[WebSocketClientConnection]:
        """A websocket that is ready: its first message has been read."""
        request = HTTPRequest(f"ws://127.0.0.1:{self.port}{path}", headers=headers)
        socket = await websocket_connect(request, subprotocols=["bokeh", session])
        try:
            await asyncio.wait_for(socket.read_message(), 30)
            yield socket
        finally:
            ended = socket.close_code is not None
            socket.close()
            if not ended:
                await drained(socket)

    def socket(self, session: str, **headers: str) -> dict[str, Any] | int:
        """The first message of a websocket, or the status it was refused with."""

        async def open_() -> dict[str, Any] | int:
            request = HTTPRequest(f"ws://127.0.0.1:{self.port}/ws", headers=headers)
            try:
                socket = await websocket_connect(request, subprotocols=["bokeh", session])
            except HTTPClientError as problem:
                return problem.code
            message = await asyncio.wait_for(socket.read_message(), 20)
            socket.close()
            await drained(socket)
            return dict(json.loads(message or "{}"))

        return asyncio.run(open_())

    def say(self, session: str, *messages: dict[str, Any], path: str = "/ws", **headers: str) -> None:
        """Send a page's messages, as its script does, until the server has heard them all."""

        async def said() -> None:
            async with self.opened(session, path, **headers) as socket:
                document = await _asked(socket, "PULL-DOC-REQ", {})
                found = re.search(r'"name":"[^"]*ESM","id":"([^"]+)"', document.replace(": ", ":"))
                assert found, document[:500]
                for message in messages:
                    entries = [["model", {"id": found[1]}], ["data", {"type": "map", "entries": list(map(list, message.items()))}]]
                    event = {"type": "event", "name": "data_event", "values": {"type": "map", "entries": entries}}
                    sent = {"kind": "MessageSent", "msg_type": "bokeh_event", "msg_data": event}
                    await _asked(socket, "PATCH-DOC", {"events": [sent]})

        asyncio.run(said())

    def session(self, path: str = "/", **headers: str) -> str:
        """The session's token in the page."""
        status, _, body = self.get(path, **headers)
        assert status == 200
        found = re.search(r'"token":"([^"]+)"', body)
        assert found, body[:500]
        return found[1]

    def cookie(self) -> str:
        _, headers, _ = self.get(f"/?token={self.token}")
        (morsel,) = SimpleCookie(headers["Set-Cookie"]).values()
        return f"{morsel.key}={morsel.value}"

    def end(self) -> None:
        self.process.kill()
        self.process.wait(60)
        self._listener.join(60)  # it reads to the end: a stream closed under it raises there
        for stream in (self.process.stderr, self.process.stdout):
            assert stream is not None
            stream.close()


async def _asked(socket: WebSocketClientConnection, kind: str, content: dict[str, Any]) -> str:
    """Send a message in Bokeh's frames (header, metadata, content) and give the content of the answer to it."""
    message = secrets.token_hex(8)
    for frame in ({"msgid": message, "msgtype": kind}, {}, content):
        await socket.write_message(json.dumps(frame))
    while (heard := await asyncio.wait_for(socket.read_message(), 30)) is not None:
        if isinstance(heard, str) and heard.startswith('{"msgid"') and json.loads(heard).get("reqid") == message:
            await asyncio.wait_for(socket.read_message(), 30)
            return str(await asyncio.wait_for(socket.read_message(), 30))
    raise ConnectionError("the socket was closed")


async def drained(socket: WebSocketClientConnection) -> None:
    """Wait until the socket is closed."""
    while await asyncio.wait_for(socket.read_message(), 30) is not None:
        continue
