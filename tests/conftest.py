"""What holds for all tests: none leaves a trace in the home folder of who runs them, and Ctrl-C reaches what they start."""

from __future__ import annotations

import os
import signal

from hypothesis import settings

os.environ["EXPLORER_RECENT"] = "0"  # files that tests open are nobody's recent files
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # by a shell, for what runs in its background, and all it starts
    signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("no deadline", deadline=None)  # a machine that is busy with something else is not a fault
settings.load_profile("no deadline")
