"""Whether the layout would come out the same again: the same step under other seeds, and how far the items move."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import param

from explorer.errors import InputError
from explorer.session.beside import with_beside
from explorer.step import Progress, Result, Step, find, registered

if TYPE_CHECKING:
    from explorer.insight.quality import Stability
    from explorer.workspace import Workspace

K = 15  # neighbours that are looked at where nobody says how many
MOST_SEEDS = 20


class Seeding(param.Parameterized):
    """The verbs about seeds; `Trusting` adds where it is kept what is known."""

    if TYPE_CHECKING:
        workspace: Workspace

        def _both(self) -> tuple[Result, Result]: ...
        def _compared(self) -> tuple[str, str]: ...
        def _learnt(self, of: tuple[str, str], **known: Any) -> Any: ...

    def stability(self, seeds: int = 3, progress: Progress | None = None) -> Stability:
        """Compute the layout under further seeds and measure how far each item moves; its results are kept in the workspace.

        Parameters
        ----------
        seeds
            How many layouts, 1 to 20, are compared with the current one.

        Returns
        -------
        explorer.insight.quality.Stability
            `spread` and `overlap`, each a number with its interval and of each item. Then ``session.color_by`` may be
            "trust:stability".

        Raises
        ------
        InputError
            Where the layout was not made by a step from the current features, or for a number of seeds that is not allowed.
        """
        steps = self.seed_steps(seeds)
        features, _ = self._both()
        done = progress or Progress()
        made = []
        for place, step in enumerate(steps):
            part = done.part(place / (len(steps) + 1), (place + 1) / (len(steps) + 1))
            kept = self.workspace.get(step.kind, step.method, step.key(features.key))
            store = self.workspace.result_folder(step.kind, step.method, step.key(features.key)).parent
            made.append(kept or self.workspace.put(step.run(features.values, part, fingerprint=features.key, store=store)))
        return self.learn(self.compared(made, done.part(len(steps) / (len(steps) + 1), 1.0)))

    def seed_steps(self, seeds: int = 3) -> list[Step]:
        """The step of the current layout under so many other seeds.

        Raises
        ------
        InputError
            As `stability` does.
        """
        if not isinstance(seeds, int | np.integer) or isinstance(seeds, bool) or not 1 <= seeds <= MOST_SEEDS:
            raise InputError(f"seeds is how many further layouts to compute, a whole number from 1 to {MOST_SEEDS}, not {seeds!r}")
        features, layout = self._both()
        if not registered("reduce", layout.method):
            raise InputError(
                f"this layout is {layout.method!r}, which cannot be computed again under another seed; first call session.reduce()"
            )
        if layout.input != features.key:
            raise InputError("the layout was made from other features than the current ones; first call session.reduce() again")
        settings = {name: value for name, value in layout.settings.items() if name != "random_state"}
        first = int(layout.settings.get("random_state", 0))
        step = find("reduce", layout.method, **settings)
        known: Any = self  # a session, which finds what the step wants besides
        return [with_beside(known, find("reduce", step, random_state=(first + more) % 2**32)) for more in range(1, seeds + 1)]

    def compared(self, layouts: Sequence[Result], progress: Progress | None = None) -> Stability:
        """Compare the current layout with those that `seed_steps` made, without making it known: for a thread."""
        from explorer.insight.quality import stability

        _, layout = self._both()
        seeds = [result.settings["random_state"] for result in layouts]
        return stability(layout.values, [result.values for result in layouts], seeds, K, progress)

    def learn(self, made: Stability) -> Stability:
        """Make known what `compared` found of the current layout."""
        return self._learnt(self._compared(), stability=made)


__all__ = ["MOST_SEEDS", "K", "Seeding"]
