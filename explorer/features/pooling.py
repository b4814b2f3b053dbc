"""From the map an image network makes of a picture to one vector: its class token, the mean over its places, or GeM."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from explorer.errors import InputError

if TYPE_CHECKING:
    import torch

AUTO, CLS, MEAN, GEM = POOLINGS = ("auto", "cls", "mean", "gem")
POWER = 3.0  # of GeM; the paper learns about 3 wherever it learns one
LEAST = 1e-6


@dataclass(frozen=True)
class Maps:
    """What a network gives before anything is summed up.

    Attributes
    ----------
    name
        The model's, for messages.
    last
        A batch of pictures -> ``(b, d, h, w)``, or ``(b, tokens, d)``; None where the model does not show it.
    first
        How many tokens stand before those of the picture's places: the class token, registers.
    classed
        Whether the first of them is a class token.
    in_rows
        Whether a map is ``(b, h, w, d)``, as timm's Swin gives it.
    summary
        What the model was trained to sum a picture up by ``(b, d)``; None for a class token or a mean.
    """

    name: str
    last: Callable[[torch.Tensor], torch.Tensor] | None
    first: int = 0
    classed: bool = False
    in_rows: bool = False
    summary: Callable[[torch.Tensor], torch.Tensor] | None = None


def pooled(maps: Maps, pooling: str) -> Callable[[torch.Tensor], torch.Tensor]:
    """A batch of pictures -> ``(b, d)``.

    ``auto`` takes what the model was trained to sum up by, else its class token, else the mean; ``gem`` is the generalised mean
    (Radenović et al. 2018, arXiv:1711.02512): the third root of the mean of third powers, where what is below 0 counts as 0.

    Raises
    ------
    InputError
        When the model has not what is asked for.
    """
    if pooling == AUTO and maps.summary is not None:
        return maps.summary
    if maps.last is None:
        raise InputError(f"pooling={pooling}: the model {maps.name!r} does not show the map it sums up; take pooling=auto")
    if pooling == CLS and not maps.classed:
        raise InputError(f"pooling=cls: the model {maps.name!r} has no class token; take mean, gem or auto")
    last, token = maps.last, pooling == CLS or (pooling == AUTO and maps.classed)
    return lambda batch: last(batch)[:, 0] if token else _over_places(_places(last(batch), maps), pooling)


def _places(found: torch.Tensor, maps: Maps) -> torch.Tensor:
    """``(b, places, d)`` of a map or of tokens."""
    if found.ndim == 3:
        return found[:, maps.first :]
    return found.flatten(1, 2) if maps.in_rows else found.flatten(2).transpose(1, 2)


def _over_places(places: torch.Tensor, pooling: str) -> torch.Tensor:
    if pooling == GEM:
        return places.clamp(min=LEAST).pow(POWER).mean(1).pow(1.0 / POWER)
    return places.mean(1)
