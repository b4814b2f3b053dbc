"""How far a layout can be trusted: whether who is near in the vectors is near on the map, and would be again."""

from explorer.insight.quality.dimension import Dimension
from explorer.insight.quality.measuring import Trust, measure
from explorer.insight.quality.scores import Score
from explorer.insight.quality.shepard import Shepard
from explorer.insight.quality.stability import Stability, stability
from explorer.insight.quality.tearing import Torn, torn

__all__ = ["Dimension", "Score", "Shepard", "Stability", "Torn", "Trust", "measure", "stability", "torn"]
