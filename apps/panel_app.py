"""Parts of an Explorer in a Panel app of your own: ``panel serve apps/panel_app.py``; each visit has its own selection and view."""

import pandas as pd
import panel as pn

import explorer
from explorer.sample import sample


def shared() -> explorer.Workspace:
    """Read once a server; all visits share the results and the labels."""
    workspace = explorer.Workspace(explorer.read(sample("emoji.parquet")))
    shipped = {name: explorer.Result.load(sample("emoji.results") / name).values for name in ("features", "layout", "clusters")}
    explorer.Session(workspace.dataset, workspace).give(**shipped)  # or extract(), reduce() and cluster()
    return workspace


w = explorer.Explorer(pn.state.as_cached("workspace", shared))  # this visit's own, until the page is closed

color = pn.widgets.Select(label="Colour", options={one["name"]: one["value"] for one in w.session.color_choices}, value=w.color_by)
color.link(w, value="color_by", bidirectional=True)
flags = pn.widgets.Button(label="Select the flags")
flags.on_click(lambda click: setattr(w, "selection", explorer.Where("category", "==", "Flags")))
count = pn.pane.Str(pn.bind(lambda ids: f"{len(ids):,} of {len(w.session.dataset):,} selected", w.param.selection))


def rows(*changed: object) -> pd.DataFrame:
    """The first of the selected rows."""
    return w.selected.reindex(columns=["name", "category", "label"]).fillna("").head(5)


table = pn.pane.DataFrame(pn.bind(rows, w.param.selection, w.param.labels), sizing_mode="stretch_width")  # shows text as text
page = pn.template.BootstrapTemplate(title="An app of your own", sidebar=[color, flags, count, w.part("colors", height=320)])
page.main.extend([pn.Row(w.part("map", height=430), w.part("items", height=430)), w.part("labels"), table])
page.servable()
