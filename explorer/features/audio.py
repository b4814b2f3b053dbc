"""Sounds to the vectors that a trained network of the transformers library gives them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
import param

from explorer.dataset import Dataset
from explorer.errors import InputError
from explorer.features import sounds
from explorer.features.base import NetworkExtractor
from explorer.features.batches import one_thread_each, usable_cores
from explorer.features.stream import Encoder
from explorer.features.weights import folder_of, not_loaded, pick_device, quiet, require, unloadable
from explorer.step import Progress

if TYPE_CHECKING:
    import torch

DEFAULT = "laion/clap-htsat-unfused"
BATCH, BLOCK = 2, 128  # sounds
SHORTEST = 0.1  # seconds; shorter pieces are filled up with silence, since networks that take the samples themselves need some
FILTERBANK_HOP = 0.01  # seconds of a row of the spectrogram of an audio spectrogram transformer


class Audio(sounds.SoundExtractor, NetworkExtractor):
    """What a trained network hears in each sound: wav2vec2, HuBERT, WavLM, AST, Whisper's ear, CLAP's audio half.

    A sound is heard in pieces, one by one, so that neither a long sound nor those beside it change anything; its vector is the mean
    of theirs by their length, and a piece's the mean over time where the network has no vector for the whole.
    """

    method = "audio"
    packages = ("torch", "transformers", "soundfile", "soxr")

    model = param.String(DEFAULT, doc="The network: a sound model's name on the Hugging Face hub, or a local folder.")
    window = param.Number(
        10.0, bounds=(0.5, 30.0), precedence=1, doc="Seconds heard at once, fewer if the network can take only fewer."
    )
    trim = param.Boolean(False)  # such networks were trained on sounds with their silences

    @contextmanager
    def encoder(self, data: Dataset, progress: Progress) -> Iterator[Encoder]:
        """The network, ``(n, d)`` float32; a silent sound has no features.

        Raises
        ------
        MissingExtra
            When torch, transformers, soundfile or soxr is not installed.
        InputError
            When the model cannot be had or is not one of sounds.
        """
        require("the audio extractor", "torch", "transformers")
        sounds.require_sound("the audio extractor")
        progress(0.0, f"loading the model {self.model}")
        with quiet(), one_thread_each() as ready:
            network = load(self.model, pick_device(self.device))
            width = len(network.hear(np.zeros(network.rate, np.float32)))
            features = partial(self._features, network=network)
            yield Encoder(
                lambda rows: self.hear(data, rows, network.rate, features), "sounds", width, BATCH, block=BLOCK,
                workers=usable_cores(), ready=ready,
            )  # fmt: skip

    def _features(self, samples: np.ndarray, network: Network) -> np.ndarray:
        """``(d,)`` float32 of samples ``(t,)``."""
        most = min(int(self.window * network.rate), network.longest)
        pieces = [samples[start : start + most] for start in range(0, len(samples), most)]
        lengths = [len(piece) for piece in pieces]
        short = int(SHORTEST * network.rate)
        heard = [network.hear(np.pad(piece, (0, max(0, short - len(piece))))) for piece in pieces]
        return np.asarray(np.average(heard, axis=0, weights=lengths), np.float32)


@dataclass(frozen=True)
class Network:
    """A network on a device, and how it wants its sounds.

    Attributes
    ----------
    prepare
        Samples to what the network takes, by the model's own feature extractor.
    run
        That, as tensors on the device, to its output.
    rate
        Samples a second.
    longest
        Samples it can take at once.
    turn
        On a GPU held during a piece; None on a CPU.
    """

    prepare: Callable[..., Any]
    run: Callable[[dict[str, Any]], Any]
    rate: int
    longest: int
    device: torch.device
    turn: Lock | None

    def hear(self, samples: np.ndarray) -> np.ndarray:
        """``(t,)`` float32 -> ``(d,)`` float32."""
        given = dict(self.prepare(samples, sampling_rate=self.rate, return_tensors="pt", return_attention_mask=True))
        if self.turn is None:
            return self._hear(given)
        with self.turn:
            return self._hear(given)

    def _hear(self, given: dict[str, Any]) -> np.ndarray:
        import torch

        with torch.inference_mode():
            mask = given.pop("attention_mask", None)  # a piece stands alone: it masks only what Whisper fills up to 30 seconds
            single = {name: value.float() if value.is_floating_point() else value for name, value in given.items()}
            made = self.run({name: value.to(self.device) for name, value in single.items()})
            whole = getattr(made, "pooler_output", made if torch.is_tensor(made) else None)
            if whole is None:
                whole = _mean_over_time(made.last_hidden_state, mask)
            return np.asarray(whole[0].float().cpu().numpy(), np.float32)


def _mean_over_time(last: Any, mask: Any) -> Any:
    """``(1, d)`` of ``(1, t, d)``: the mean over the part of the time that is sound, of which the mask says how much there is."""
    heard = last.shape[1] if mask is None else max(1, round(float(mask.float().mean()) * last.shape[1]))
    return last[:, :heard].mean(1)


def load(name: str, device: torch.device) -> Network:
    """The network of that name; no code out of its folder is run.

    Raises
    ------
    InputError
        When it cannot be had, cannot be loaded, or is not a model of sounds.
    """
    import torch
    from transformers import AutoFeatureExtractor, AutoModel

    folder = str(folder_of(name, DEFAULT))
    try:
        extractor: Any = AutoFeatureExtractor.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    except unloadable() as problem:
        raise _no_model_of_sounds(name) from problem
    if not getattr(extractor, "sampling_rate", None):
        raise _no_model_of_sounds(name)
    try:
        loaded: Any = AutoModel.from_pretrained(folder, trust_remote_code=False, local_files_only=True, dtype=torch.float32)
    except unloadable() as problem:
        raise not_loaded(name, problem, DEFAULT) from problem
    model = loaded.eval().to(device)
    rate = int(extractor.sampling_rate)
    return Network(extractor, _ear(model), rate, _longest(extractor, rate), device, Lock() if device.type != "cpu" else None)


def _ear(model: Any) -> Callable[[dict[str, Any]], Any]:
    """The part that hears: of a model of sounds and texts its audio half, of one that writes down what it hears its encoder."""
    if hasattr(model, "get_audio_features"):
        return lambda given: model.get_audio_features(**given)
    if getattr(model.config, "is_encoder_decoder", False):
        return lambda given: model.get_encoder()(**given)
    return lambda given: model(**given)


def _longest(extractor: Any, rate: int) -> int:
    """Samples past which the feature extractor would cut a sound off, or (CLAP) take some stretch of it at random."""
    samples = getattr(extractor, "nb_max_samples", None) or getattr(extractor, "n_samples", None)
    if samples is None and hasattr(extractor, "num_mel_bins") and hasattr(extractor, "max_length"):
        samples = extractor.max_length * FILTERBANK_HOP * rate
    return int(samples or 30 * rate)


def _no_model_of_sounds(name: str) -> InputError:
    return InputError(f"model={name!r} is no model of sounds (it does not say how it takes them); give one, such as {DEFAULT!r}")
