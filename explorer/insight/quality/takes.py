"""What ranking items among all will take."""

from __future__ import annotations

from explorer.installation.takes import Takes


def ranks_take(n: int, d: int, asked: int | None = None) -> Takes:
    """What the ranks of `asked` of `n` items (of all, where it is None) take, among vectors of `d` columns and on the map.

    Distances to all in blocks, by a product of matrices, and a count; what is held does not grow with their square.
    """
    pairs = float(n if asked is None else asked) * n
    return Takes(dense=pairs * (1.5e-8 + 6e-11 * d), memory=1e8 + 1_000.0 * n)


__all__ = ["ranks_take"]
