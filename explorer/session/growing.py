"""New items: where they belong on the layout that is there, and a new layout of a collection that has grown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import param

from explorer.errors import InputError
from explorer.session.nearby import metric_of
from explorer.step import Progress, Result, Step, find, registered

if TYPE_CHECKING:
    from explorer.dataset import Dataset
    from explorer.workspace import Workspace
    from explorer.workspace.earlier import Earlier


class Growing(param.Parameterized):
    """The verbs about items that were not there before."""

    if TYPE_CHECKING:
        dataset: Dataset
        workspace: Workspace
        features: Any
        layout: Any

        def reduce(self, method: Any = "umap", progress: Progress | None = None, **settings: Any) -> Result: ...

    def transform(self, data: Any, progress: Progress | None = None) -> np.ndarray:
        """Place new items on the current layout, which stays as it is.

        Features are computed as the current ones were. On a layout by umap or tsne the new items settle among their neighbours;
        pca, svd, ica, lpp, kernel-pca and tldr project them; on every other they stand at the mean of their neighbours' places,
        weighed by how near they are.

        Parameters
        ----------
        data
            Whatever `explorer.read` takes, of the same columns as the dataset; or an array ``(m, d)`` of features.

        Returns
        -------
        ``(m, 2)`` float32, or ``(m, 3)`` on a layout with a third column; NaN for an item without features.

        Raises
        ------
        InputError
            Where there is no layout of the current features, or the new items have not what the features are made from.
        """
        from explorer.features.newcomers import features_of

        if self.layout is None or self.features is None:
            raise InputError("there is no layout to place new items on; first call session.extract() and session.reduce()")
        if self.layout.method != "given" and self.layout.input != self.features.key:
            raise InputError("the layout was made from other features than the current ones; first call session.reduce() again")
        done = progress or Progress()
        old, new = features_of(data, self.dataset, self.features, done.part(0.0, 0.5))
        return np.asarray(self._reducer().place(old, _columns(self.layout), new, done.part(0.5, 1.0)).values)

    def _reducer(self) -> Any:
        """The step that made the layout; one that no name leads to gives its layouts by neighbours."""
        from explorer.reduction.base import Reducer

        if registered("reduce", self.layout.method):
            step = find("reduce", self.layout.method, **self.layout.settings)
            if isinstance(step, Reducer):
                step.store = self.workspace.result_folder("reduce", step.method, self.layout.key).parent
                return step
        step = Reducer()
        step.metric = metric_of(self.features)  # read by `Reducer.placed`
        return step

    def refit(self, progress: Progress | None = None, **settings: Any) -> Result:
        """A new layout of a collection that has changed, by UMAP from its earlier layout, so that items stay about where they were.

        The earlier layout is the one that the workspace showed when the collection was another. New items are placed amid their
        neighbours and settle while the earlier ones are held; then all settle slowly, and the whole is laid over the earlier
        layout. ``result.arrays["moved"]`` says how far each earlier item has moved, in units of the map's size (the root mean
        square distance from its middle); a note sums it up.

        Parameters
        ----------
        settings
            Of UMAP; where the earlier layout was UMAP's, its settings hold unless others are given.

        Raises
        ------
        InputError
            Where there is no earlier layout.
        """
        return self.reduce(self.refit_step(**settings), progress)

    def refit_step(self, **settings: Any) -> Step:
        """The step that `refit` runs.

        Raises
        ------
        InputError
            Where there is no earlier layout.
        """
        earlier = self.workspace.earlier()
        if earlier is None or not _shared(earlier, self.dataset):
            raise InputError(
                "there is no earlier layout of these items to start from: give a workspace in which a layout was made before the "
                "collection changed, or call session.reduce()"
            )
        before = earlier.layout.settings if earlier.layout.method == "umap" else {}
        names = find("reduce", "umap").setting_names()
        known = {name: value for name, value in before.items() if name in names}
        return find("reduce", "umap", **(known | settings | {"keep": True}))

    def earlier_items(self) -> int:
        """How many items have a place on the map that was shown before the collection changed; 0 where there is none."""
        earlier = self.workspace.earlier()
        return 0 if earlier is None else _shared(earlier, self.dataset)


def _columns(layout: Result) -> np.ndarray:
    """The columns that were computed: the two drawn ones and, where there is one, the third."""
    third = layout.arrays.get("z")
    return layout.values if third is None else np.column_stack([layout.values, third])


def _shared(earlier: Earlier, dataset: Dataset) -> int:
    return int(np.isfinite(earlier.places(dataset)).all(axis=1).sum())


__all__ = ["Growing"]
