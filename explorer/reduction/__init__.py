"""Vectors to a layout."""

from explorer.reduction.base import Reducer

__all__ = ["Reducer"]
