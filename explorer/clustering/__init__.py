"""Vectors or a layout to clusters."""

from explorer.clustering.base import Clusterer

__all__ = ["Clusterer"]
