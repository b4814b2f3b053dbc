"""Items to vectors. The only room that imports torch, and only inside the methods that need it."""

from __future__ import annotations

from importlib.util import find_spec

from explorer.dataset import Dataset
from explorer.features.base import Extractor, ItemExtractor, has
from explorer.step import find, names


def suggest(dataset: Dataset) -> str:
    """The method that fits a dataset best: what it came with, else what its items are, else its columns.

    A dataset of pictures is always told ``"image"``: without the packages, the error says what to install. One of sounds is told
    ``"logmel"``, which needs no model: ``"voice"`` finds voices only, and the models of ``"audio"`` must be fetched.
    """
    if has(dataset, "vectors"):
        return "vectors"
    if has(dataset, "matrix"):
        return "matrix"
    if has(dataset, "image"):
        return "image"
    if has(dataset, "audio"):
        return "logmel"
    if has(dataset, "series"):
        return "rocket"  # as quick as the others, nearest to what people name, and needs nothing that is not installed
    if has(dataset, "text"):
        return "sentence" if find_spec("torch") and find_spec("sentence_transformers") else "lsa"
    return "columns"


def fitting(dataset: Dataset) -> list[str]:
    """The registered methods that can run on a dataset (it has what they need), the suggested one first."""
    best = suggest(dataset)
    steps = {name: find("extract", name) for name in names("extract")}
    able = [name for name, step in steps.items() if not isinstance(step, Extractor) or step.fits(dataset)]
    return sorted(able, key=lambda name: name != best)


__all__ = ["Extractor", "ItemExtractor", "fitting", "suggest"]
