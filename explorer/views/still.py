"""What a saved notebook shows where nothing runs: a picture of the map, and of a small one the map itself to pan and point at."""

from __future__ import annotations

import base64
import html
import io
from typing import TYPE_CHECKING

from explorer.errors import InputError
from explorer.installation import notebook_kind
from explorer.step import Progress

if TYPE_CHECKING:
    from explorer.session import Session

WIDTH, HEIGHT = 900, 560  # pixels of the picture
MOST_ITEMS = 20_000  # whose map is kept with the notebook
MOST_BYTES = 1_500_000  # of that map: a notebook is sent around, and written anew at each change
PATIENCE = 5  # seconds after which the live map should be there

# While the live map is there this is not, and while it cannot be there its place is not. Where a notebook's page takes style and
# frames away, as it does with notebooks of strangers, what is left is the picture and its words.
_STYLE = """<style>
body:has([data-explorer-live="{id}"]) [data-explorer-still="{id}"] {{ display: none; }}
body:not(:has([data-explorer-cell="{id}"])) .jp-OutputArea-child:has([data-explorer-still="{id}"])
+ .jp-OutputArea-child:not(:has([data-explorer-still])) {{ display: none; }}
[data-explorer-still="{id}"]:has(iframe) > img {{ display: none; }}
[data-explorer-still="{id}"] > iframe {{ width: 100%; height: {height}px; border: 1px solid #d0d5dd; border-radius: 8px; }}
[data-explorer-still="{id}"] .no-live {{ opacity: 0; animation: explorer-late 0s {patience}s forwards; }}
body:has([data-explorer-cell="{id}"]) [data-explorer-still="{id}"] .no-live {{ display: none; }}
@keyframes explorer-late {{ to {{ opacity: 1; }} }}
{only_live}</style>"""
# Jupyter's notebooks are opened elsewhere, too: on a web page no kernel is to be mended.
_IN_JUPYTER = """html:not(:has(#jupyter-config-data, body[data-vscode-theme-kind])) [data-explorer-still="{id}"] .hint
{{ display: none; }}
"""


def still(session: Session, identity: str, *, hint: str, why: str = "", height: int = HEIGHT) -> dict[str, str]:
    """The output as ``text/html`` and ``text/plain``; nothing in it asks any network.

    Parameters
    ----------
    identity
        What the live page of the same cell is known by.
    hint
        What helps where no live map comes.
    why
        What keeps the map from being computed.
    """
    words = said(session)
    style = _STYLE.format(id=identity, height=height, patience=PATIENCE, only_live=_only_live(identity))
    caption = f'<p style="margin: 6px 0; font: 13px system-ui, sans-serif">{html.escape(words)}</p>'
    late = f'A saved map: run the cell to select and label. <span class="hint">If you just did: {html.escape(hint)}</span>'
    note = f'<p class="no-live" style="margin: 6px 0; font: 13px system-ui, sans-serif">{late}</p>'
    inside = f"{_image(session, words, why)}{_frame(session)}{caption}{note}"
    return {"text/html": f'{style}<div data-explorer-still="{identity}">{inside}</div>', "text/plain": words}


def _only_live(identity: str) -> str:
    """The rule that keeps the hint to pages of a running Jupyter; nothing where another program shows the cells, such as Colab."""
    return _IN_JUPYTER.format(id=identity) if notebook_kind() == "jupyter" else ""


def said(session: Session) -> str:
    """What the page says in numbers: items, clusters, labels, selection."""
    parts = [f"{session.dataset.name}: {len(session.dataset):,} {session.dataset.subject}"]
    if session.clusters is not None:
        parts.append(f"{int(session.clusters.values.max(initial=-1)) + 1:,} clusters")
    for name, count in session.labels.counts.items():
        parts.append(f"{name} {count:,}")
    return " · ".join([*parts, f"{int(session.selection.sum()):,} selected"])


def _image(session: Session, words: str, why: str) -> str:
    if session.layout is None:
        said = f"The map was not computed: {why}" if why else "The map was not computed yet."
        return f'<p style="font: 13px system-ui, sans-serif">{html.escape(said)}</p>'
    try:
        made = session.picture(width=WIDTH, height=HEIGHT)
    except InputError:  # no item has a place
        return ""
    assert isinstance(made, bytes)
    return f'<img alt="{html.escape(words)}" style="max-width: 100%" src="data:image/png;base64,{base64.b64encode(made).decode()}">'


def _frame(session: Session) -> str:
    """The map of the one-file export in a frame that may do nothing but run its own script; nothing where it is large."""
    if session.layout is None or len(session.dataset) > MOST_ITEMS:
        return ""
    from explorer.exports.html import Options, encode
    from explorer.session.exporting import gathered

    out = io.BytesIO()
    try:
        encode(gathered(session), out, Options(thumbnails=False), Progress())
    except InputError:
        return ""
    page = out.getvalue()
    if len(page) > MOST_BYTES:
        return ""
    return f'<iframe sandbox="allow-scripts" loading="lazy" title="map" srcdoc="{html.escape(page.decode())}"></iframe>'


__all__ = ["said", "still"]
