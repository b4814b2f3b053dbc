"""What a person sees. The only room that imports panel; views draw a session and send it verbs, and never compute."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from explorer.views.explorer import Explorer
    from explorer.views.map import Map
    from explorer.views.server import serve, serve_demo, serve_start

_HOMES = {
    "Explorer": "explorer.views.explorer", "Map": "explorer.views.map",
    "serve": "explorer.views.server", "serve_demo": "explorer.views.server",
    "serve_start": "explorer.views.server",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    """Fetch a view when it is asked for: a login file is written without Panel."""
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


__all__ = ["Explorer", "Map", "serve", "serve_demo", "serve_start"]
