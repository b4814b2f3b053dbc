"""How amounts of time and memory are said to a person, wherever a page or a message tells what something takes."""

from __future__ import annotations


def duration(seconds: float) -> str:
    """Seconds as a person says them.

    >>> duration(4.2), duration(95), duration(7300)
    ('4 s', '1 min 35 s', '2 h 2 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def about(seconds: float) -> str:
    """Seconds that were estimated, no more exactly than an estimate can mean.

    >>> about(0.3), about(7.4), about(97), about(2000)
    ('under a second', 'about 7 s', 'about 1 min 35 s', 'about 33 min 0 s')
    """
    if seconds < 1:
        return "under a second"
    step = 1 if seconds < 60 else 5 if seconds < 600 else 60
    return f"about {duration(round(seconds / step) * step)}"


def size(count: float) -> str:
    """Bytes as a person says them.

    >>> size(900), size(12_345_678), size(3.2e9)
    ('1 kB', '12 MB', '3.2 GB')
    """
    for unit, many in (("GB", 1e9), ("MB", 1e6)):
        if count >= many:
            return f"{count / many:.1f} {unit}" if count < 10 * many else f"{count / many:,.0f} {unit}"
    return f"{max(1, round(count / 1e3)):,} kB"


__all__ = ["about", "duration", "size"]
