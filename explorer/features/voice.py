"""Recordings of speech to who is speaking: a trained speaker encoder, whatever is said."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from pickle import UnpicklingError
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
import param

from explorer.dataset import Dataset
from explorer.errors import InputError, MissingExtra
from explorer.features import sounds
from explorer.features.base import NetworkExtractor
from explorer.features.batches import one_thread_each, usable_cores
from explorer.features.stream import Encoder
from explorer.features.weights import pick_device
from explorer.step import Progress

if TYPE_CHECKING:
    import torch

RATE, WINDOW, HOP, N_MELS = 16_000, 400, 160, 40  # as the network was trained
FRAMES = 160  # of one utterance: 1.6 seconds
HIDDEN, LAYERS, WIDTH = 256, 3, 256
QUIETEST = 10 ** (-30 / 20)  # root mean square of full scale that quieter sounds are raised to
COVERED = 0.75  # how much of the last utterance must be there for it to count
TOGETHER = 64  # utterances of one sound computed at once
BATCH, BLOCK = 4, 256


class Voice(sounds.SoundExtractor, NetworkExtractor):
    """Who is speaking, whatever is said: a trained speaker encoder.

    GE2E (Wan et al. 2018, arXiv:1710.10467), with the weights of the package ``resemblyzer``. A sound is heard in utterances of 1.6
    seconds that overlap; the sound's vector has length 1.
    """

    method = "voice"
    packages = ("torch", "resemblyzer", "soundfile", "soxr", "scipy")

    utterances = param.Number(
        1.3, bounds=(0.625, 10.0), precedence=1, doc="How many stretches of 1.6 seconds are heard in each second; more is slower."
    )

    @contextmanager
    def encoder(self, data: Dataset, progress: Progress) -> Iterator[Encoder]:
        """The network, ``(n, 256)`` float32; a silent sound has no features.

        Raises
        ------
        MissingExtra
            When torch, soundfile, soxr or resemblyzer is not installed.
        InputError
            When the weights cannot be read.
        """
        sounds.require_sound("the voice extractor")
        weights = weights_file()
        progress(0.0, "loading the speaker encoder")
        with one_thread_each() as ready:
            network = load(weights, pick_device(self.device))

            def features(samples: np.ndarray) -> np.ndarray:
                return embed(raised(samples), network, self.utterances)

            yield Encoder(
                lambda rows: self.hear(data, rows, RATE, features), "sounds", WIDTH, BATCH, block=BLOCK,
                workers=usable_cores(), ready=ready,
            )  # fmt: skip


def weights_file() -> Path:
    """Where the weights are; the package is not imported (it would want a compiler's and a plotter's worth of others).

    Raises
    ------
    MissingExtra
        When torch or resemblyzer is not installed.
    """
    found = find_spec("resemblyzer")
    places = list(found.submodule_search_locations or []) if found is not None else []
    file = next((path for place in places if (path := Path(place) / "pretrained.pt").is_file()), None)
    if file is None or find_spec("torch") is None:
        raise MissingExtra("the voice extractor", "voice")
    return file


def load(weights: Path, device: torch.device) -> Callable[[np.ndarray], np.ndarray]:
    """The network: utterances ``(b, 160, 40)`` to unit vectors ``(b, 256)``.

    Raises
    ------
    InputError
        When the file does not hold its weights.
    """
    import torch

    lstm, linear = torch.nn.LSTM(N_MELS, HIDDEN, LAYERS, batch_first=True), torch.nn.Linear(HIDDEN, WIDTH)
    network: Any = torch.nn.ModuleDict({"lstm": lstm, "linear": linear})
    try:
        state = torch.load(weights, map_location="cpu", weights_only=True)["model_state"]
        network.load_state_dict({name: state[name] for name in network.state_dict()})
    except (OSError, RuntimeError, KeyError, TypeError, ValueError, EOFError, UnpicklingError) as problem:
        raise InputError(f"{weights} does not hold the speaker encoder: install the package resemblyzer again") from problem
    network.eval().to(device)
    turn = Lock() if device.type != "cpu" else None

    def run(mels: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            _, (hidden, _) = lstm(torch.from_numpy(mels).to(device))
            made = torch.relu(linear(hidden[-1]))
            return np.asarray((made / torch.linalg.norm(made, dim=1, keepdim=True)).float().cpu().numpy(), np.float32)

    def in_turn(mels: np.ndarray) -> np.ndarray:
        if turn is None:
            return run(mels)
        with turn:
            return run(mels)

    return in_turn


def raised(samples: np.ndarray) -> np.ndarray:
    """``(t,)`` float32, made louder where it is quieter than -30 dB."""
    level = float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))
    return samples if level >= QUIETEST else (samples * (QUIETEST / level)).astype(np.float32)


def embed(samples: np.ndarray, network: Callable[[np.ndarray], np.ndarray], a_second: float) -> np.ndarray:
    """``(256,)`` float32 of length 1: the mean over the utterances of a sound ``(t,)``."""
    starts = utterance_starts(len(samples), a_second)
    samples = np.pad(samples, (0, max(0, (starts[-1] + FRAMES) * HOP - len(samples))))
    mels = sounds.mel_power(np.pad(samples, WINDOW // 2), sounds.mel_bank(RATE, WINDOW, N_MELS, 0.0, RATE / 2), WINDOW, HOP)
    utterances = np.stack([mels[start : start + FRAMES] for start in starts])
    parts = [network(utterances[start : start + TOGETHER]) for start in range(0, len(utterances), TOGETHER)]
    mean = np.concatenate(parts).mean(axis=0)
    return np.asarray(mean / np.linalg.norm(mean), np.float32)


def utterance_starts(samples: int, a_second: float) -> list[int]:
    """The frame each utterance begins with; the last is left out where a quarter of it would be empty, but for the only one."""
    frames = -(-(samples + 1) // HOP)
    step = round(RATE / a_second / HOP)
    starts = list(range(0, max(1, frames - FRAMES + step + 1), step))
    covered = (samples - starts[-1] * HOP) / (FRAMES * HOP)
    return starts[:-1] if covered < COVERED and len(starts) > 1 else starts
