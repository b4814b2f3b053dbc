"""Every pair looked at by a graphics card, where PyTorch finds one; what it finds is measured again by the processor."""

from __future__ import annotations

import importlib.util
import sys
from functools import cache
from pathlib import Path

import numpy as np

from explorer.neighbors.board import Measured
from explorer.neighbors.exact import roughly
from explorer.neighbors.threads import in_threads, stretches
from explorer.step import Progress

_SIGNS = ("/dev/nvidiactl", "/dev/nvidia0", "/dev/dxg")  # there without looking into PyTorch, which takes seconds to import
_PRODUCTS = 1 << 28  # distances held at once: a gigabyte
_MORE = 16  # neighbours taken besides, for what float32 cannot tell apart


@cache
def available() -> bool:
    """Whether there is a graphics card that PyTorch can use."""
    if "torch" not in sys.modules and not any(Path(sign).exists() for sign in _SIGNS):
        return False
    if importlib.util.find_spec("torch") is None:
        return False
    import torch

    return bool(torch.cuda.is_available())


def every_pair(rows: np.ndarray, k: int, metric: str, progress: Progress, device: str = "cuda") -> np.ndarray:
    """Indices ``(n, k)`` of the nearest rows by "euclidean" or an angular metric; exact, as `exact.every_pair` finds them."""
    import torch

    rough = roughly(rows, metric)
    assert rough is not None
    n, more = len(rows), min(len(rows) - 1, k + _MORE)
    places, sure = np.empty((n, more), np.int32), np.empty((n, more), np.float32)
    every = torch.from_numpy(rough).to(device)
    half = (every * every).sum(1) / 2
    for low, high in stretches(n, max(1, _PRODUCTS // n)):
        progress(low / n, "finding neighbours")
        far = torch.addmm(half[None, :], every[low:high], every.T, alpha=-1)  # half the squares but for the row's own
        own = torch.arange(high - low, device=device)
        far[own, own + low] = torch.inf
        least, near = torch.topk(far, more, dim=1, largest=False)
        places[low:high], sure[low:high] = near.cpu().numpy(), (2 * (least + half[low:high, None])).cpu().numpy()
    lengths = 2 * half.cpu().numpy()
    return _settled(Measured.of(rows, metric), places, sure, lengths, k, progress)


def _settled(
    measured: Measured, places: np.ndarray, rough: np.ndarray, lengths: np.ndarray, k: int, progress: Progress
) -> np.ndarray:  # fmt: skip
    """The `k` nearest of those found; where rounding may have left one out, every row is measured."""
    from explorer.neighbors import kernels

    n, apart = len(places), np.empty(places.shape)
    in_threads(lambda part: kernels.measure(*part, *measured, places, apart), stretches(n, 8_192), progress)
    margin = 2 * (measured.rows.shape[1] + 20) * float(np.finfo(np.float32).eps) * (lengths + lengths.max())
    sure = rough[:, -1].astype(np.float64) - margin > apart[:, k - 1]
    doubtful = [] if places.shape[1] == n - 1 else np.flatnonzero(~sure).tolist()

    def work(row: int) -> None:
        far = np.empty((1, n))
        kernels.from_some(np.array([row]), *measured, far)
        far[0, row] = np.inf
        places[row, :k] = np.lexsort((np.arange(n), far[0]))[:k]

    in_threads(work, doubtful, progress)
    return np.ascontiguousarray(places[:, :k])


__all__ = ["available", "every_pair"]
