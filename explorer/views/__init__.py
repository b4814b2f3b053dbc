"""What a person sees. The only room that imports panel; views draw a session and send it verbs, and never compute."""

from explorer.views.explorer import Explorer
from explorer.views.server import serve, serve_demo

__all__ = ["Explorer", "serve", "serve_demo"]
