"""The map alone: to look, brush and point, with the rest of the page left to what is around it."""

from __future__ import annotations

from typing import Any

from explorer.views.explorer import Explorer

HEIGHT = 520  # pixels in a notebook's cell


class Map(Explorer):
    """The map of a session without the panels around it; the same values in Python as an `Explorer`'s.

    Examples
    --------
    >>> explorer.Map("points.npy")    # doctest: +SKIP
    """

    def __init__(self, session: Any, *, show: Any = ("map",), height: int | None = HEIGHT, **options: Any) -> None:
        super().__init__(session, show=show, height=height, **options)


__all__ = ["Map"]
