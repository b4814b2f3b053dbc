"""Pictures to download: the map as it is shown, at any size, made in a thread so that nobody's page waits."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

from explorer.errors import InputError, unknown
from explorer.exports.picture import Figure, PictureSettings, formats, to_bytes
from explorer.session.picture import figure
from explorer.views.part import Part

_PRINTS = ThreadPoolExecutor(max_workers=1, thread_name_prefix="explorer-picture")  # one at a time: a large one takes 2 GB
_LOG = logging.getLogger("explorer")


class Pictures(Part):
    """Makes a picture of what the page shows and sends it as a download; the page's value `writing` says that one is made."""

    def ready(self) -> None:
        """Send what may be asked for."""
        self.view.page.set(pictures={"formats": formats(), "settings": PictureSettings.describe()}, writing=False)

    def on_picture(self, ending: str, settings: dict[str, Any]) -> None:
        """Write the part of the map that is looked at."""
        endings = [known["ending"] for known in formats()]
        if ending not in endings:
            raise unknown("format of a picture", ending, endings)
        try:
            chosen = PictureSettings(**settings)
            looked_at = (self.view._request or {}).get("viewport")
            drawn = figure(self.session, looked_at, self.view._colors())
        except Exception:
            self.view.page.set(writing=False)
            raise
        name = f"{self.session.dataset.name.rsplit('.', 1)[0] or 'items'}-map{ending}"
        self.view.page.set(writing=True)
        _PRINTS.submit(copy_context().run, self._send, name, drawn, chosen, ending)

    def _send(self, name: str, drawn: Figure, settings: PictureSettings, ending: str) -> None:
        try:
            self.view._download(name, to_bytes(drawn, settings, ending))
        except InputError as problem:
            self.view._toast(str(problem), "error")
        except MemoryError:
            self.view._toast("there is not enough memory for a picture of this size; take a smaller width", "error")
        except Exception as problem:  # the pool's last door: without it a failure would leave the page waiting without a word
            _LOG.error("a picture could not be made", exc_info=problem)
            self.view._toast("the picture could not be made", "error")
        finally:
            self.view.page.set(writing=False)
