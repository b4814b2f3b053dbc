"""The child's side: takes one request after the other and answers; what is heavy is imported when a job needs it."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable
from typing import IO, Any

from explorer.worker.doing import answer
from explorer.worker.files import remove
from explorer.worker.telling import Live, Speaker, Watched


def main() -> None:
    """Serve jobs from standard input until it closes."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever a library prints goes to the log
    if hasattr(os, "nice"):
        os.nice(10)  # a page is drawn before a layout is computed
    say = Speaker(out)
    requests = _Requests()
    threading.Thread(target=requests.read, args=(sys.stdin,), daemon=True).start()
    while True:
        request = requests.next()
        live = Live(request["live"], say) if request.get("live") else None
        say(answer(request, Watched(say.progress, requests.stop_of(request["number"]), live)))


class _Requests:
    """Reads ahead, so that Stop and the parent's end are noticed while a step runs."""

    def __init__(self) -> None:
        self.stopped = 0  # the number of the last job that was to stop
        self._waiting: list[dict[str, Any]] = []
        self._ready = threading.Condition()

    def read(self, source: IO[str]) -> None:
        request: dict[str, Any] = {}
        try:
            for line in source:
                told = json.loads(line)
                if told["do"] == "stop":
                    self.stopped = told["number"]
                    continue
                request = told
                with self._ready:
                    self._waiting.append(request)
                    self._ready.notify()
        finally:
            try:
                remove(request)
            finally:
                os._exit(0)  # the parent is gone, perhaps in the middle of a line

    def stop_of(self, number: int) -> Callable[[], bool]:
        return lambda: self.stopped >= number

    def next(self) -> dict[str, Any]:
        with self._ready:
            while not self._waiting:
                self._ready.wait()
            return self._waiting.pop(0)


if __name__ == "__main__":
    main()
