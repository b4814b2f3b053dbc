"""One layout laid over another; kept in the room of layouts, where one that begins at an earlier layout needs it too."""

from explorer.reduction.alignment import aligned

__all__ = ["aligned"]
