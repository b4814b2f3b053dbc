"""What is found out in a child process, one function a question; the answer is the last line printed, as JSON."""

from __future__ import annotations

import importlib
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

KERNEL_LIMIT = 10.0  # seconds for a kernel to start and a widget to answer
SENT = 7  # what the widget is set to by the page's end of the comm
CODE = "import anywidget, ipywidgets; w = ipywidgets.IntText()"


def comm() -> dict[str, Any]:
    """Start a kernel of this interpreter, make a widget in it, move it as a page would, and ask the kernel where it stands."""
    from jupyter_client.kernelspec import KernelSpecManager
    from jupyter_client.manager import KernelManager

    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        argv = [sys.executable, "-m", "ipykernel_launcher", "--HistoryManager.enabled=False", "-f", "{connection_file}"]
        (Path(folder) / "doctor").mkdir()
        (Path(folder) / "doctor" / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": "d", "language": "python"}))
        manager = KernelManager(kernel_name="doctor", kernel_spec_manager=KernelSpecManager(kernel_dirs=[folder]))
        manager.start_kernel()
        try:
            value = _round_trip(manager.blocking_client(), began + KERNEL_LIMIT)
        finally:
            manager.shutdown_kernel(now=True)
    return {"answered": value == str(SENT), "seconds": time.monotonic() - began}


def _round_trip(client: Any, until: float) -> str:
    """Play the page: take the widget's comm, set its value through it, and give what the kernel then prints."""
    client.start_channels()
    try:
        client.wait_for_ready(timeout=_left(until))
        opened: list[str] = []
        printed: list[str] = []

        def hear(message: dict[str, Any]) -> None:
            content = message["content"]
            if message["header"]["msg_type"] == "comm_open" and "value" in content["data"].get("state", {}):
                opened.append(content["comm_id"])
            elif message["header"]["msg_type"] == "stream":
                printed.append(content["text"].strip())

        _run(client, CODE, hear, until)
        if not opened:
            raise RuntimeError("ipywidgets made a widget but opened no comm for it")
        data = {"method": "update", "state": {"value": SENT}, "buffer_paths": []}
        client.shell_channel.send(client.session.msg("comm_msg", {"comm_id": opened[0], "data": data}))
        _run(client, "print(w.value)", hear, until)
        return "".join(printed)
    finally:
        client.stop_channels()


def _run(client: Any, code: str, hear: Callable[[dict[str, Any]], None], until: float) -> None:
    reply = client.execute_interactive(code, timeout=_left(until), output_hook=hear, allow_stdin=False, store_history=False)
    if reply["content"]["status"] != "ok":
        raise RuntimeError(f"{reply['content'].get('ename')}: {reply['content'].get('evalue')}")


def _left(until: float) -> float:
    return max(0.1, until - time.monotonic())


def torch() -> dict[str, Any]:
    """Which devices torch can compute on."""
    library: Any = importlib.import_module("torch")
    cuda = library.cuda.is_available()
    return {
        "version": library.__version__,
        "built_for": library.version.cuda or "",
        "cuda": [library.cuda.get_device_name(number) for number in range(library.cuda.device_count())] if cuda else [],
        "mps": library.backends.mps.is_available(),
    }


def threads() -> dict[str, Any]:
    """Which of its threading layers numba takes; compiling one parallel loop is what makes it choose."""
    numba: Any = importlib.import_module("numba")

    def loop(rows: int) -> int:
        total = 0
        for row in numba.prange(rows):
            total += row
        return total

    numba.njit(parallel=True)(loop)(4)
    return {"layer": numba.threading_layer(), "threads": numba.get_num_threads()}


QUESTIONS: dict[str, Callable[[], dict[str, Any]]] = {"comm": comm, "torch": torch, "threads": threads}


def main(question: str) -> int:
    """Answer one question; what goes wrong is one line on standard error."""
    try:
        found = QUESTIONS[question]()
    except Exception as problem:  # whatever a library raises is the finding
        lines = str(problem).strip().splitlines()
        print(f"{type(problem).__name__}: {lines[0] if lines else ''}", file=sys.stderr)
        return 1
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
