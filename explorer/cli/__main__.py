"""``python -m explorer.cli``: the command where the script is not on the path."""

import sys

from explorer.cli import main

sys.exit(main())
