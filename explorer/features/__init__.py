"""Items to vectors. The only room that imports torch, and only inside the methods that need it."""

from explorer.features.base import Extractor

__all__ = ["Extractor"]
