"""Runs a step, or reads a file, in a child process: memory-mapped in and out, with progress, Stop and a memory limit.

The parent writes one JSON line a job to the child's standard input and reads JSON lines back: ``{"progress": [fraction, note]}``,
``{"shown": count, "kept": bool}`` when there is a layout so far to look at, ``{"keeping": true}`` while a stopped step puts away
what it has, and at last ``{"done": folder}``, ``{"stopped": true}`` or ``{"failed": sentence, "bug": bool}``. Whatever the child's
libraries print goes to a log, never into the protocol. A child that dies is a message.
"""

from explorer.worker.apart import read_apart, read_labels_apart, reading
from explorer.worker.job import Job
from explorer.worker.pool import Worker
from explorer.worker.process import GRACE

__all__ = ["GRACE", "Job", "Worker", "read_apart", "read_labels_apart", "reading"]
