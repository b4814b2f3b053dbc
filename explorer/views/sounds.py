"""Sounds to listen to: an item's own, decoded off the event loop when somebody presses play, and sent as a small WAV file."""

from __future__ import annotations

import io
import wave
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from typing import Any

import numpy as np

from explorer.dataset.sounds import Sound
from explorer.errors import InputError, MissingExtra
from explorer.views.newest import Newest
from explorer.views.part import Part

MOST = 60.0  # seconds that are sent
RATES = (8_000, 48_000)  # samples a second, the least and the most that are sent: what every browser plays

_POOL = ThreadPoolExecutor(max_workers=2, thread_name_prefix="explorer-sounds")


class Sounds(Part):
    """Sends ``sound``: an item's row with its bytes, or with why it cannot be played; of several that are asked for, the last."""

    def __init__(self, view: Any) -> None:
        super().__init__(view)
        self._decoding: Newest[int] = Newest(_POOL, self._send)

    def on_sound(self, row: int) -> None:
        """Send an item's sound."""
        dataset = self.session.dataset
        if "audio" not in dataset.roles:
            raise InputError(f"the items of {dataset.name} are {dataset.subject}; only sounds can be played")
        if not isinstance(row, int) or isinstance(row, bool) or not 0 <= row < len(dataset):
            raise InputError(f"there is no item in row {row!r}")
        self._decoding.ask(row)

    def _send(self, row: int) -> None:
        try:
            sound = self.session.dataset.sound(row)
            made: dict[str, Any] = {"wav": to_wav(sound), "seconds": sound.seconds, "cut": sound.seconds > MOST}
        except InputError as problem:
            made = {"why": str(problem)}
        with self._decoding.wanted():
            self.view.page.send(sound={"row": row} | made)


def to_wav(sound: Sound) -> bytes:
    """The first minute as a WAV file of 16 bits; louder than full scale is made softer, not cut off.

    Raises
    ------
    MissingExtra
        When its rate has to be changed and soxr is not installed.
    """
    samples, rate = sound.samples[: int(MOST * sound.rate)], sound.rate
    wanted = int(np.clip(rate, *RATES))
    if wanted != rate:
        if find_spec("soxr") is None:
            raise MissingExtra(f"playing {rate:,} samples a second", "sound")
        import soxr

        samples = soxr.resample(samples, rate, wanted)
    peak = max(1.0, float(np.abs(samples).max(initial=0.0)))
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(wanted)
        file.writeframes(np.rint(samples / peak * 32767).astype("<i2").tobytes())
    return out.getvalue()
