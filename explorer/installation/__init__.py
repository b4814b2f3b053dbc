"""What is installed here and what this machine can do: looked at and never changed, for `explorer doctor` and the notebook."""

from __future__ import annotations

from explorer.installation.comm import comm_advice, notebook_kind
from explorer.installation.finding import Finding

__all__ = ["Finding", "comm_advice", "notebook_kind"]
