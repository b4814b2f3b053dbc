"""Image networks of many kinds, made small and at random: how they are pooled, cut into views, and refused."""

from __future__ import annotations

import importlib.util
import io
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from waiting import until

from explorer.dataset import Dataset
from explorer.errors import InputError, MissingExtra
from explorer.features import weights
from explorer.features.image import Image, views

pytestmark = pytest.mark.skipif(
    not all(map(importlib.util.find_spec, ("torch", "transformers", "efficientnet_lite_pytorch"))),
    reason="the extra 'models' (torch and the shipped networks) is not installed",
)
SIDE = 32
LOOK = {"size": {"height": SIDE, "width": SIDE}, "image_mean": [0.5] * 3, "image_std": [0.5] * 3, "rescale_factor": 1 / 255}
SWIN = "swin_tiny_patch4_window7_224"
SMALL = {"hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
VISION = SMALL | {"image_size": SIDE, "patch_size": 8}
WORDS = SMALL | {"vocab_size": 30, "max_position_embeddings": 8}


def vit() -> Any:
    from transformers import ViTConfig, ViTModel

    return ViTModel(ViTConfig(**VISION), add_pooling_layer=False)


def deit() -> Any:
    from transformers import DeiTConfig, DeiTModel

    return DeiTModel(DeiTConfig(**VISION), add_pooling_layer=False)


def dinov2() -> Any:
    from transformers import Dinov2WithRegistersConfig, Dinov2WithRegistersModel

    return Dinov2WithRegistersModel(Dinov2WithRegistersConfig(**VISION, num_register_tokens=3))


def convnext() -> Any:
    from transformers import ConvNextConfig, ConvNextModel

    return ConvNextModel(ConvNextConfig(hidden_sizes=[8, 12, 16, 24], depths=[1, 1, 1, 1], image_size=SIDE))


def resnet() -> Any:
    from transformers import ResNetConfig, ResNetModel

    return ResNetModel(ResNetConfig(embedding_size=8, hidden_sizes=[8, 12, 16, 24], depths=[1, 1, 1, 1]))


def swin() -> Any:
    from transformers import SwinConfig, SwinModel

    return SwinModel(SwinConfig(image_size=SIDE, patch_size=4, embed_dim=12, depths=[1, 1], num_heads=[2, 2], window_size=4))


def clip() -> Any:
    from transformers import CLIPConfig, CLIPModel

    return CLIPModel(CLIPConfig(text_config=WORDS, vision_config=VISION, projection_dim=10))


def clip_half() -> Any:
    from transformers import CLIPVisionConfig, CLIPVisionModel

    return CLIPVisionModel(CLIPVisionConfig(**VISION))


def siglip() -> Any:
    from transformers import SiglipConfig, SiglipModel

    return SiglipModel(SiglipConfig(text_config=WORDS, vision_config=VISION))


def siglip_half() -> Any:
    from transformers import SiglipVisionConfig, SiglipVisionModel

    return SiglipVisionModel(SiglipVisionConfig(**VISION))


def saved(make: Callable[[], Any], folder: Path) -> Any:
    """A network at random in a folder; with it, as its own library gives it."""
    import torch

    torch.manual_seed(0)
    with weights.quiet():
        model = make().eval()
        for name, value in model.named_parameters():  # they begin so small that all pictures would be alike
            if value.ndim > 1 or name.endswith(("embedding", "bias")):
                torch.nn.init.normal_(value, std=0.3)
        model.save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps(LOOK))
    return model


def some(count: int = 3, side: int = SIDE) -> np.ndarray:
    """``(count, side, side, 3)`` uint8 of noise."""
    return np.random.default_rng(0).integers(0, 256, (count, side, side, 3), dtype=np.uint8)


def dataset(pixels: np.ndarray) -> Dataset:
    from PIL import Image as Pillow

    files = []
    for one in pixels:
        file = io.BytesIO()
        Pillow.fromarray(one).save(file, "PNG")
        files.append(file.getvalue())
    table = pa.table({"picture": pa.array(files, pa.binary())})
    return Dataset("pictures", np.arange(len(files)), table, {"picture": "image"}, {"image": "picture"})


def seen(pixels: np.ndarray) -> Any:
    import torch

    return torch.from_numpy((pixels.astype(np.float32) / 255 - 0.5) / 0.5).permute(0, 3, 1, 2)


def given(folder: Path, pixels: np.ndarray | None = None, **settings: Any) -> np.ndarray:
    return Image(model=str(folder), **settings).run(dataset(some() if pixels is None else pixels)).values


def gem(places: np.ndarray) -> np.ndarray:
    return np.cbrt((np.maximum(places, 1e-6) ** 3).mean(axis=1))


TOKENS = {  # how many tokens stand before the places
    "vit": (vit, 1), "deit": (deit, 2), "dinov2": (dinov2, 4), "swin": (swin, 0),
}  # fmt: skip


@pytest.mark.parametrize("kind", TOKENS)
def test_tokens_are_pooled_without_those_that_are_no_places(kind: str, tmp_path: Path) -> None:
    import torch

    make, first = TOKENS[kind]
    model = saved(make, tmp_path)
    with torch.inference_mode():
        tokens = model(pixel_values=seen(some())).last_hidden_state.numpy()
    expected = {"mean": tokens[:, first:].mean(axis=1), "gem": gem(tokens[:, first:])}
    if first:
        expected["cls"] = tokens[:, 0]
    expected["auto"] = expected["cls" if first else "mean"]
    for pooling, values in expected.items():
        assert np.allclose(given(tmp_path, pooling=pooling), values, atol=1e-4), pooling
    assert not np.allclose(expected["mean"], expected["gem"], atol=1e-2)
    if not first:
        with pytest.raises(InputError, match=r"pooling=cls: the model .* has no class token; take mean, gem or auto"):
            given(tmp_path, pooling="cls")


@pytest.mark.parametrize("make", [convnext, resnet])
def test_a_map_of_places_is_pooled(make: Callable[[], Any], tmp_path: Path) -> None:
    import torch

    model = saved(make, tmp_path)
    pixels = some(side=64)
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(LOOK | {"size": {"shortest_edge": 64}}))
    with torch.inference_mode():
        places = model(pixel_values=seen(pixels)).last_hidden_state.flatten(2).transpose(1, 2).numpy()
    assert places.shape[1] == 4
    for pooling in ("auto", "mean"):
        assert np.allclose(given(tmp_path, pixels, pooling=pooling), places.mean(axis=1), atol=1e-4)
    assert np.allclose(given(tmp_path, pixels, pooling="gem"), gem(places), atol=1e-4)
    with pytest.raises(InputError, match="no class token"):
        given(tmp_path, pixels, pooling="cls")


@pytest.mark.parametrize(("make", "classed"), [(clip, True), (siglip, False)])
def test_pictures_and_texts_auto_is_what_both_share(make: Callable[[], Any], classed: bool, tmp_path: Path) -> None:
    import torch

    model = saved(make, tmp_path)
    with torch.inference_mode():
        joint = model.get_image_features(pixel_values=seen(some()))
        tokens = model.vision_model(pixel_values=seen(some())).last_hidden_state.numpy()
    assert np.allclose(given(tmp_path), getattr(joint, "pooler_output", joint).numpy(), atol=1e-4)
    assert np.allclose(given(tmp_path, pooling="mean"), tokens[:, classed:].mean(axis=1), atol=1e-4)
    if classed:
        assert np.allclose(given(tmp_path, pooling="cls"), tokens[:, 0], atol=1e-4)
    else:
        with pytest.raises(InputError, match="no class token"):
            given(tmp_path, pooling="cls")


@pytest.mark.parametrize("make", [clip_half, siglip_half])
def test_a_picture_half_alone_sums_up_as_it_was_trained(make: Callable[[], Any], tmp_path: Path) -> None:
    import torch

    model = saved(make, tmp_path)
    with torch.inference_mode():
        expected = model(pixel_values=seen(some())).pooler_output.numpy()
    assert np.allclose(given(tmp_path), expected, atol=1e-4)


def test_the_shipped_network_pools_its_map() -> None:
    pixels = some(side=96)
    mean, auto, strong = (Image(pooling=pooling).run(dataset(pixels)).values for pooling in ("mean", "auto", "gem"))
    assert np.array_equal(mean, auto)
    assert mean.shape == strong.shape == (3, 1280)
    assert (strong >= mean - 1e-3).all()  # of what is nowhere below 0, this mean is the larger; elsewhere 0 is
    assert not np.allclose(strong, mean, atol=1e-2)
    with pytest.raises(InputError, match="pooling=cls: the model 'efficientnet-lite0' has no class token"):
        Image(pooling="cls").run(dataset(pixels))


def test_views_are_averaged(tmp_path: Path) -> None:
    from PIL import Image as Pillow

    saved(vit, tmp_path)
    pixels = some(4, 70)
    larger = np.stack([np.asarray(Pillow.fromarray(one).resize((36, 36), Pillow.Resampling.BICUBIC)) for one in pixels])
    corners = [(2, 2), (0, 0), (0, 4), (4, 0), (4, 4)]
    cut = [larger[:, top : top + SIDE, left : left + SIDE] for top, left in corners]
    assert all(np.array_equal(*pair) for pair in zip(views(larger, SIDE, 5), cut, strict=True))
    five = np.mean([given(tmp_path, view) for view in cut], axis=0)
    ten = np.mean([given(tmp_path, view) for one in cut for view in (one, one[:, :, ::-1])], axis=0)
    assert np.allclose(given(tmp_path, pixels, crops=5), five, atol=1e-4)
    assert np.allclose(given(tmp_path, pixels, crops=10), ten, atol=1e-4)
    assert not np.allclose(five, ten, atol=1e-2)
    assert np.allclose(given(tmp_path, pixels, crops=10), given(tmp_path, pixels[:, :, ::-1], crops=10), atol=1e-3)
    with pytest.raises(InputError, match="crops takes one of 1, 5, 10"):
        Image(crops=3)


def test_a_masked_autoencoder_sees_the_whole_picture(tmp_path: Path) -> None:
    from transformers import ViTMAEConfig, ViTMAEModel

    saved(lambda: ViTMAEModel(ViTMAEConfig(**VISION, mask_ratio=0.75)), tmp_path)
    assert np.allclose(given(tmp_path), given(tmp_path), atol=1e-5)


def test_timm_without_its_packages_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    described = {"input_size": [3, SIDE, SIDE], "mean": [0.5] * 3, "std": [0.5] * 3}
    (tmp_path / "config.json").write_text(json.dumps({"architecture": "resnet18", "pretrained_cfg": described}))
    monkeypatch.setattr(weights, "find_spec", lambda name: None if name == "timm" else object())
    monkeypatch.setattr(weights, "mend_torchvision", tuple)
    with pytest.raises(MissingExtra, match=r"the timm model .*pip install 'embedding-explorer\[timm\]'"):
        given(tmp_path)


@pytest.mark.skipif(not all(map(importlib.util.find_spec, ("timm", "torchvision"))), reason="the extra 'timm' is not installed")
@pytest.mark.parametrize(("architecture", "arguments", "first"), [
    ("resnet10t", {}, 0),
    ("vit_tiny_patch16_224", {"embed_dim": 24, "num_heads": 2, "depth": 2, "img_size": SIDE, "reg_tokens": 2}, 3),
    (SWIN, {"embed_dim": 8, "depths": [1, 1], "num_heads": [2, 2], "img_size": SIDE, "window_size": 4}, 0),
])  # fmt: skip
def test_timm(architecture: str, arguments: dict[str, Any], first: int, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import save_file

    with weights.quiet():
        import timm

        torch.manual_seed(0)
        model = timm.create_model(architecture, num_classes=0, **arguments).eval()
    save_file(model.state_dict(), tmp_path / "model.safetensors", {"format": "pt"})
    described = {"input_size": [3, SIDE, SIDE], "mean": [0.5] * 3, "std": [0.5] * 3}
    file = {"architecture": architecture, "num_classes": 5, "pretrained_cfg": described}
    (tmp_path / "config.json").write_text(json.dumps(file | {"model_args": arguments}))
    with torch.inference_mode():
        last = model.forward_features(seen(some()))
    if last.ndim == 4:
        last = last.flatten(1, 2) if architecture == SWIN else last.flatten(2).transpose(1, 2)
    assert np.allclose(given(tmp_path, pooling="mean"), last[:, first:].mean(1).numpy(), atol=1e-4)
    if first:
        assert np.allclose(given(tmp_path), last[:, 0].numpy(), atol=1e-4)
        assert np.allclose(given(tmp_path, pooling="cls"), last[:, 0].numpy(), atol=1e-4)
    else:
        assert np.array_equal(given(tmp_path), given(tmp_path, pooling="mean"))
        with pytest.raises(InputError, match="no class token"):
            given(tmp_path, pooling="cls")


def test_features_do_not_depend_on_the_pictures_beside_them(tmp_path: Path) -> None:
    saved(dinov2, tmp_path)
    alive = threading.active_count()
    together = given(tmp_path, some(9), pooling="gem", crops=5)
    alone = np.concatenate([given(tmp_path, np.repeat(one[None], 3, axis=0), pooling="gem", crops=5)[:1] for one in some(9)])
    assert np.allclose(together, alone, atol=1e-5)
    until(lambda: threading.active_count() <= alive, "its threads to end")


def test_a_model_that_was_trained_anew_in_its_folder_is_another(tmp_path: Path) -> None:
    """Of a grown collection half would else be seen by the one and half by the other."""
    model, store = saved(vit, tmp_path / "model"), tmp_path / "store"
    first = Image(model=str(tmp_path / "model")).run(dataset(some(4)), store=store)
    first.save(store / first.key)
    with weights.quiet():
        for value in model.parameters():
            value.data += 0.1
        model.save_pretrained(tmp_path / "model")
    grown = Image(model=str(tmp_path / "model")).run(dataset(some(5)), store=store).values
    assert np.array_equal(grown, given(tmp_path / "model", some(5)))
    assert not np.array_equal(grown[:4], first.values)
