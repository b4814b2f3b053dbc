"""Which steps the person chose, and with which settings: --extract, --reduce, --cluster, --set and --seed."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import dataclass

from explorer.dataset import Dataset
from explorer.errors import InputError, unknown
from explorer.step import KINDS, Step, find

USUAL = {"reduce": "umap", "cluster": "hdbscan"}  # what fits a dataset to extract is known when it has been read


@dataclass(frozen=True)
class Choices:
    """By kind: the methods that were named, and the settings as text."""

    methods: dict[str, str]
    settings: dict[str, dict[str, str]]
    seed: int | None

    @classmethod
    def given(cls, given: Namespace) -> Choices:
        """The choices of a command line, checked as far as they can be before the data is read.

        Raises
        ------
        InputError
            For a method, step or setting that is not known, a value that is not allowed, or two that contradict each other.
        """
        methods = {kind: getattr(given, kind) for kind in KINDS if getattr(given, kind) is not None}
        made = cls(methods, parse_sets(given.set), given.seed)
        if given.layout is not None and made.asked("reduce"):
            option = "--reduce" if "reduce" in methods else "--set reduce..."
            raise InputError(
                f"--layout says that the layout is there already, {option} that one is to be made; give one of the two"
            )
        for kind in KINDS:
            if kind in methods or kind in USUAL:
                made.step(kind)
        return made

    def asked(self, kind: str) -> bool:
        """Whether the person said anything of this kind of step."""
        return kind in self.methods or kind in self.settings

    def step(self, kind: str, dataset: Dataset | None = None) -> Step:
        """The step of a kind with its settings: the one that was named, or the usual one."""
        method = self.methods.get(kind) or USUAL.get(kind)
        if method is None:
            from explorer.features import suggest

            assert dataset is not None
            method = suggest(dataset)
        try:
            step = find(kind, method)
        except ImportError as problem:
            raise InputError(
                f"the method {method!r} cannot be loaded ({problem}); reinstall the package it is of, or choose another"
            ) from problem
        seed = {} if self.seed is None else {"random_state": self.seed}
        texts = self.settings.get(kind, {})
        step.set(**(seed | {name: step.parse(name, text) for name, text in texts.items()}))
        return step

    def steps(self, dataset: Dataset) -> dict[str, Step]:
        """The steps that were chosen, by kind; a seed chooses all three, but for a layout that is there already."""
        seeded = set(KINDS if dataset.layout is None else ("extract", "cluster")) if self.seed is not None else set()
        return {kind: self.step(kind, dataset) for kind in KINDS if self.asked(kind) or kind in seeded}


def parse_sets(given: list[str]) -> dict[str, dict[str, str]]:
    """``["reduce.n_neighbors=30"]`` as ``{"reduce": {"n_neighbors": "30"}}``.

    Raises
    ------
    InputError
        For another form, or a step that is not known.
    """
    found: dict[str, dict[str, str]] = {}
    for text in given:
        address, equals, value = text.partition("=")
        kind, dot, name = address.strip().partition(".")
        if not (equals and dot and name):
            raise InputError(f"--set {text!r} is not STEP.SETTING=VALUE; write it like --set reduce.n_neighbors=30")
        if kind not in KINDS:
            raise unknown("step", kind, KINDS)
        found.setdefault(kind, {})[name] = value.strip()
    return found
