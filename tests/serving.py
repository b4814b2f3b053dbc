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
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.websocket import websocket_connect


class Server:
    """``explorer open`` in a process of its own; started at once, waited for when it is asked something."""

    def __init__(self, source: Path, *arguments: str, command: tuple[str, ...] = ()) -> None:
        command = command or (sys.executable, "-m", "explorer.cli", "open", str(source), "--no-browser", *arguments)
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.said: list[str] = []
        self._told = threading.Event()
        self._link = ""
        threading.Thread(target=self._listen, daemon=True).start()

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
        assert self._told.wait(90), self.said
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
            while await asyncio.wait_for(socket.read_message(), 20) is not None:
                continue
            return dict(json.loads(message or "{}"))

        return asyncio.run(open_())

    def say(self, session: str, *messages: dict[str, Any], **headers: str) -> list[str]:
        """Send messages as a page does, and give the content of what came back until the server had heard them all."""

        async def said() -> list[str]:
            request = HTTPRequest(f"ws://127.0.0.1:{self.port}/ws", headers=headers)
            socket = await websocket_connect(request, subprotocols=["bokeh", session])
            heard: list[str] = []

            async def ask(kind: str, content: dict[str, Any]) -> str:
                message = secrets.token_hex(8)
                for frame in ({"msgid": message, "msgtype": kind}, {}, content):
                    await socket.write_message(json.dumps(frame))
                while True:
                    frame = await asyncio.wait_for(socket.read_message(), 30)
                    if frame is None:
                        raise ConnectionError("the socket was closed")
                    if isinstance(frame, str):
                        heard.append(frame)
                        if f'"reqid":"{message}"' in frame.replace(": ", ":"):
                            await asyncio.wait_for(socket.read_message(), 30)
                            return str(await asyncio.wait_for(socket.read_message(), 30))

            document = await ask("PULL-DOC-REQ", {})
            found = re.search(r'"name":"[^"]*ESM","id":"([^"]+)"', document.replace(": ", ":"))
            assert found, document[:500]
            for message in messages:
                values = {
                    "type": "map",
                    "entries": [["model", {"id": found[1]}], ["data", {"type": "map", "entries": _entries(message)}]],
                }
                event = {"type": "event", "name": "data_event", "values": values}
                await ask("PATCH-DOC", {"events": [{"kind": "MessageSent", "msg_type": "bokeh_event", "msg_data": event}]})
            socket.close()
            return heard

        return asyncio.run(said())

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
        self.process.wait(20)
        for stream in (self.process.stderr, self.process.stdout):
            assert stream is not None
            stream.close()


def _entries(message: dict[str, Any]) -> list[list[Any]]:
    return [
        [name, {"type": "map", "entries": _entries(value)} if isinstance(value, dict) else value] for name, value in message.items()
    ]
