"""TLDR: a small network learns to give neighbours the same code, and every column of the code something of its own to say."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
import param

from explorer.errors import InputError, MissingExtra
from explorer.installation.takes import Takes
from explorer.neighbors.takes import graph_takes
from explorer.neighbors.threads import one_blas_thread
from explorer.reduction.encoder import Encoder, scales, standardised
from explorer.reduction.magnitude import tamed
from explorer.reduction.nearby import NeighborReducer
from explorer.step import Output, Progress

if TYPE_CHECKING:
    import torch

FEWEST = 5  # different rows; with fewer there is no neighbourhood to learn
STEPS = 1_500  # steps of the training where the number of rounds is left open, within ROUNDS
ROUNDS = (5, 100)
LEAST, MOST = 64, 2_048  # columns of the projector where that is left open
WARM = 0.1  # share of the steps in which the learning rate rises
SPARING = 10  # a picture is made at most as often as takes a tenth of the time


class TLDR(NeighborReducer):
    """Learns a small network that gives neighbours the same place, and can place new items later.

    "TLDR: Twin Learning for Dimensionality Reduction" (Kalantidis, Lassance, Almazán & Larlus, 2022, TMLR): neighbours from the
    graph that all methods share are pairs, and the loss is that of Barlow Twins (Zbontar et al., 2021) on a projector that is
    dropped after training. Trained with Adam, by torch on one thread, so that the same seed gives the same bytes.
    """

    method = "tldr"
    packages = ("torch", "scikit-learn")
    widest = None

    n_neighbors = param.Integer(
        5, bounds=(1, 100), softbounds=(1, 30),
        doc="How many neighbours of each item count as the same: few keeps fine detail, many keeps only the large shape.",
    )  # fmt: skip
    encoder = param.Selector(
        default="mlp", objects=["mlp", "linear"],
        doc="What is learned: a network with one hidden layer, which can bend, or a plain projection, which cannot.",
    )  # fmt: skip
    n_epochs = param.Integer(
        None, bounds=(1, 10_000), softbounds=(5, 200), allow_None=True,
        doc="How often all items are gone through; none takes 100, and fewer beyond a few thousand items.",
    )  # fmt: skip
    hidden = param.Integer(
        256, bounds=(2, 8192), softbounds=(32, 1024), precedence=1, doc="Columns of the hidden layer, where the encoder is mlp."
    )
    projector = param.Integer(
        None, bounds=(2, 8192), softbounds=(64, 2048), allow_None=True, precedence=1,
        doc="Columns in which codes are compared while learning; none takes 64, or 8 for each column of the result.",
    )  # fmt: skip
    batch_size = param.Integer(
        256, bounds=(8, 65_536), softbounds=(64, 2_048), precedence=1, doc="How many pairs are compared at once."
    )
    learning_rate = param.Number(
        0.01, bounds=(1e-6, 1.0), softbounds=(1e-4, 0.1), step=1e-3, precedence=1, doc="How far the network moves in a step."
    )
    redundancy = param.Number(
        5e-3, bounds=(0.0, 1.0), softbounds=(1e-3, 5e-2), step=1e-3, precedence=1,
        doc="How much it counts that no two columns say the same, beside that neighbours agree.",
    )  # fmt: skip

    def compute(self, vectors: np.ndarray, progress: Progress) -> Output:
        """Encode ``(n, d)`` vectors, all different, as ``(n, width)``: centred, the main direction first."""
        self._required()
        if len(vectors) < FEWEST:
            return self.by_pca(vectors, FEWEST, "TLDR", progress)
        encoder = self.fit(vectors, progress)
        return Output(encoder.transform(vectors), stopped=encoder.stopped)

    def fit(self, vectors: np.ndarray, progress: Progress) -> Encoder:
        """Learn an encoder from finite ``(n, d)`` float32 vectors; `Encoder.transform` encodes these and new ones.

        Raises
        ------
        MissingExtra
            When torch is not installed.
        InputError
            When there are fewer than five rows.
        """
        self._required()
        if len(vectors) < FEWEST:
            raise InputError(f"tldr learns from at least {FEWEST} different rows, and there are {len(vectors)}: use pca")
        safe, _ = tamed(vectors)
        graph = self.graph(safe, self.n_neighbors, progress.part(0.0, 0.3))
        progress(0.3, "loading torch")
        with one_blas_thread(), _one_thread():
            return self._trained(vectors, graph.indices, progress.part(0.3, 1.0))

    def placed(self, old: np.ndarray, layout: np.ndarray, new: np.ndarray, progress: Progress) -> Output:
        """New rows by the encoder, which is learned again from the old ones: the same seed gives the same."""
        from explorer.reduction.placing import matches

        encoder = self.fit(old, progress) if len(old) >= FEWEST else None
        if encoder is None or not matches(encoder.transform(old), layout):
            return super().placed(old, layout, new, progress)
        return Output(encoder.transform(new), notes=("new items are placed by the same encoder as the others",))

    def _required(self) -> None:
        if find_spec("torch") is None:
            raise MissingExtra("the tldr layout", "models")

    def takes(self, n: int, d: int) -> Takes:
        """Neighbours, loading torch, then steps whose cost goes by the sizes of the two networks."""
        middle = self.hidden if self.encoder == "mlp" else 0
        weights = d * (middle or self.width) + middle * self.width + self.compared * (self.width + 2 * self.compared)
        steps = self.rounds(n) * self.batches(n)
        learning = Takes(
            dense=1.5e-10 * steps * self.batch_size * weights, sparse=3 + 3e-3 * steps, memory=16 * n * d + 16 * weights + 4e8
        )
        return graph_takes(n, d, self.n_neighbors).then(learning)

    @property
    def compared(self) -> int:
        """Columns in which codes are compared: off the map they have more to tell apart, and on it too many drown the pairs."""
        return self.projector or min(max(LEAST, 8 * self.width), MOST)

    def rounds(self, n: int) -> int:
        """How often `n` items are gone through."""
        return self.n_epochs or int(np.clip(STEPS // self.batches(n), *ROUNDS))

    def batches(self, n: int) -> int:
        """How many steps it takes to go through `n` items."""
        return max(1, round(n / self.batch_size))

    def _trained(self, rows: np.ndarray, neighbors: np.ndarray, progress: Progress) -> Encoder:
        """The encoder after training on the pairs that `neighbors` ``(n, k)`` gives, or as it is when Stop is pressed."""
        import torch

        centre, unit = scales(rows)
        inputs = torch.from_numpy(standardised(rows, centre, unit))
        twins = _Twins(self, inputs.shape[1])
        picture = _Pictures(progress)
        total, batches, stopped = self.rounds(len(rows)), self.batches(len(rows)), ""
        losses: list[float] = []

        def encoder() -> Encoder:
            return Encoder(centre, unit, twins.layers(), np.asarray(losses), stopped).turned(rows)

        drawn, taken = np.random.default_rng(self.random_state), 0
        for number in range(total):
            seen = []
            for ones, others in _pairs(neighbors, batches, drawn):
                seen.append(twins.step(inputs[ones], inputs[others], self.learning_rate * _pace(taken / (batches * total))))
                taken += 1
                progress.tell(taken / (batches * total), f"learning, round {number + 1} of {total}")
                picture.offer(lambda: encoder().transform(rows)[:, :2])
                if taken < batches * total and progress.stopped():
                    stopped = f"round {number + 1} of {total}"
                    break
            losses.append(float(np.mean(seen)))
            if stopped:
                break
        return encoder()


class _Twins:
    """The encoder, the projector behind it, and the optimiser of both."""

    def __init__(self, settings: TLDR, columns: int) -> None:
        import torch
        from torch import nn

        self.redundancy = settings.redundancy
        generator = torch.Generator().manual_seed(settings.random_state)

        def linear(given: int, made: int) -> Any:
            layer = nn.utils.skip_init(nn.Linear, given, made, bias=False)  # skipped: it would draw from the global generator
            nn.init.kaiming_uniform_(layer.weight, a=5**0.5, generator=generator)
            return layer

        def bent(given: int, middle: int, made: int) -> list[Any]:
            return [linear(given, middle), nn.BatchNorm1d(middle), nn.ReLU(), linear(middle, made)]

        width = settings.width
        compared = settings.compared
        straight = settings.encoder == "linear"
        self.encoder = nn.Sequential(*([linear(columns, width)] if straight else bent(columns, settings.hidden, width)))
        self.projector = nn.Sequential(*bent(width, compared, compared), nn.BatchNorm1d(compared, affine=False))
        self.optimizer = torch.optim.Adam([*self.encoder.parameters(), *self.projector.parameters()])

    def step(self, ones: torch.Tensor, others: torch.Tensor, rate: float) -> float:
        """Learn from pairs ``(b, d)`` and ``(b, d)``; gives the loss of Barlow Twins, of one column on average."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.zero_grad()
        together = self.projector(self.encoder(ones)).T @ self.projector(self.encoder(others)) / len(ones)
        same = together.diagonal()
        loss = ((same - 1) ** 2).sum() + self.redundancy * ((together**2).sum() - (same**2).sum())
        loss = loss / len(together)
        loss.backward()
        self.optimizer.step()
        return float(loss.item())

    def layers(self) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
        """The encoder's weights ``(in, out)`` and what is added ``(out,)``; the scaling of its hidden layer is in them."""
        weights = [layer.weight.detach().numpy().T.copy() for layer in self.encoder if hasattr(layer, "in_features")]
        added = [np.zeros(layer.shape[1], np.float32) for layer in weights]
        if len(weights) > 1:
            norm = self.encoder[1]
            scale = (norm.weight / (norm.running_var + norm.eps) ** 0.5).detach().numpy()
            added[0] = norm.bias.detach().numpy() - norm.running_mean.numpy() * scale
            weights[0] = weights[0] * scale
        return tuple(zip(weights, added, strict=True))


class _Pictures:
    """Shows what was learned so far, and spends at most a tenth of the time on it."""

    def __init__(self, progress: Progress) -> None:
        self.progress, self.next = progress, 0.0

    def offer(self, places: Callable[[], np.ndarray]) -> None:
        """Show these places, where a picture is due."""
        if self.progress.due and time.monotonic() >= self.next:
            began = time.monotonic()
            self.progress.show(places())
            self.next = time.monotonic() + SPARING * (time.monotonic() - began)


def _pairs(neighbors: np.ndarray, batches: int, drawn: np.random.Generator) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Every row once in an order drawn by lot, in batches of about one size, each with one of its neighbours or itself."""
    n, k = neighbors.shape
    for ones in np.array_split(drawn.permutation(n), batches):
        others = neighbors[ones, drawn.integers(k, size=len(ones))]
        yield ones, np.where(others < 0, ones, others)


def _pace(done: float) -> float:
    """The learning rate as a share of the largest: it rises at first, then falls to nothing along a cosine."""
    if done < WARM:
        return (done + 1e-3) / (WARM + 1e-3)
    return float(0.5 * (1 + np.cos(np.pi * (done - WARM) / (1 - WARM)))) + 1e-3


@contextmanager
def _one_thread() -> Iterator[None]:
    """Torch on one thread: on several it adds up in another order, and so gives other bytes."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
