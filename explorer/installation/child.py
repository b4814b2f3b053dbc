"""A look that needs a heavy library happens in a child process with a time limit: it may take seconds, hang or crash."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

_PACKAGE = Path(__file__).resolve().parents[2]


class NoAnswer(Exception):
    """The child process did not answer: what it said last, or that its time was up."""


def answer(question: str, limit: float) -> dict[str, Any]:
    """What `explorer.installation.questions` answers in a process of its own.

    Parameters
    ----------
    question
        The name of the function there.
    limit
        Seconds after which the process is ended.

    Raises
    ------
    NoAnswer
        With what to tell the user.
    """
    said = output([sys.executable, "-P", "-m", "explorer.installation.questions", question], limit)
    try:
        return dict(json.loads(said.splitlines()[-1]))
    except (IndexError, ValueError, TypeError):
        raise NoAnswer("it gave no answer") from None


def output(command: list[str], limit: float) -> str:
    """What a command prints; NoAnswer when it fails, is not there, or takes longer than `limit` seconds."""
    paths = [str(_PACKAGE), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths), "PYTHONWARNINGS": "ignore"}
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=limit,
            env=environment,
            encoding="utf-8",
            errors="replace",
        )
    except subprocess.TimeoutExpired:
        raise NoAnswer(f"it took more than {limit:g} s") from None
    except OSError as problem:
        raise NoAnswer(problem.strerror or str(problem)) from problem
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f"it ended with status {done.returncode}"])[-1]
        raise NoAnswer(last[:200])
    return done.stdout


__all__ = ["NoAnswer", "answer", "output"]
