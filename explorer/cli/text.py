"""Text from data and libraries on its way to a terminal."""

from __future__ import annotations


def one_line(text: str) -> str:
    r"""Text on one line in which nothing acts on the terminal: control characters are shown as ``\x1b``.

    >>> one_line("a file\n named \x1b[31m")
    'a file named \\x1b[31m'
    """
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in " ".join(text.split()))


def count(number: int, what: str) -> str:
    """``1 row``, ``1,797 rows``."""
    return f"{number:,} {what}{'s' * (number != 1)}"


def seconds(given: float) -> str:
    """``0.02 s``, ``3.4 s``, ``2 min 5 s``."""
    if given >= 60:
        return f"{int(given // 60)} min {int(given % 60)} s"
    return f"{given:.2f} s" if given < 1 else f"{given:.1f} s"


def size(number: int) -> str:
    """Bytes as ``812 B``, ``75 kB``, ``1.2 MB``."""
    if number < 1_000:
        return f"{number} B"
    return f"{number / 1e3:.0f} kB" if number < 1e6 else f"{number / 1e6:.1f} MB"
