"""An Explorer in a FastAPI app of your own, at /map beside its other addresses: ``uvicorn --app-dir apps fastapi_app:app``."""

from typing import Any
from urllib.parse import urlsplit

from fastapi import FastAPI, WebSocket
from fastapi.middleware.trustedhost import TrustedHostMiddleware
from panel.io.fastapi import add_applications

import explorer
from explorer.sample import sample

workspace = explorer.Workspace(explorer.read(sample("emoji.parquet")))  # all visits share the results and the labels
session = explorer.Session(workspace.dataset, workspace)
results = ("features", "layout", "clusters")  # else: session.extract(), session.reduce(), session.cluster()
session.give(**{name: explorer.Result.load(sample("emoji.results") / name).values for name in results})
app = FastAPI()
visits = add_applications({"/map": lambda: explorer.Explorer(workspace, served=True)}, app=app, location=False)


class Sockets:
    """What bokeh-fastapi 0.1 leaves out: it refuses sockets of other sites' pages, and ends the visit of a page that is closed."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        told = {name: value.decode("latin-1") for name, value in scope.get("headers", ())}
        own = scope["type"] != "websocket" or urlsplit(told.get(b"origin", "")).netloc == told.get(b"host")
        await (self.app(scope, receive, send) if own else WebSocket(scope, receive, send).close())
        for one in [one for one in visits._clients if one._socket._socket.client_state.name == "DISCONNECTED"]:
            visits.client_lost(one)


app.add_middleware(Sockets)
app.add_middleware(TrustedHostMiddleware, allowed_hosts=["localhost", "127.0.0.1"])  # by which names it goes
app.get("/labels")(lambda: dict(session.labels))  # what is labelled now, by id
