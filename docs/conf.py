"""How the site is built: ``python -m sphinx -W docs build/site``. A warning is an error, and no page asks other hosts."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

from explorer import __version__

project = "embedding-explorer"
author = "the embedding-explorer authors"
version = release = __version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "steps", "commands", "names"]
exclude_patterns = ["_ext"]
nitpicky = False  # types of other libraries in signatures are not linked: their inventories would have to be fetched

myst_enable_extensions = ["colon_fence", "attrs_inline"]
myst_heading_anchors = 3

smartquotes = False  # they would turn the dashes of --set and the quotes of what one types into others
default_role = "code"  # docstrings name things in single backticks
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
maximum_signature_line_length = 100
autodoc_member_order = "bysource"
napoleon_google_docstring = False
napoleon_use_rtype = False

html_theme = "furo"  # its fonts are the system's, and its scripts its own
html_title = "embedding-explorer"
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#1f6feb", "color-brand-content": "#1f6feb"},
    "dark_css_variables": {"color-brand-primary": "#79aefc", "color-brand-content": "#79aefc"},
}
