"""Extractors of sound: exact on tones, deaf to loudness, the same whatever stands beside; and what they cannot hear."""

from __future__ import annotations

import importlib
import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sound_models import ast, clap, tone, wav, wav2vec2, whisper

from explorer.dataset import Dataset
from explorer.dataset.sounds import Sound
from explorer.errors import InputError, MissingExtra
from explorer.features import fitting, sounds, suggest, voice
from explorer.features.audio import Audio
from explorer.features.base import ItemExtractor
from explorer.features.logmel import LogMel
from explorer.features.voice import Voice
from explorer.step import Result

pytestmark = pytest.mark.skipif(
    not all(map(importlib.util.find_spec, ("soundfile", "soxr"))), reason="the extra 'sound' (soundfile, soxr) is not installed"
)
networks = pytest.mark.skipif(
    not all(map(importlib.util.find_spec, ("torch", "transformers"))), reason="the extra 'models' (torch) is not installed"
)
voices = pytest.mark.skipif(
    not all(map(importlib.util.find_spec, ("torch", "resemblyzer"))),
    reason="the extra 'voice' (torch, resemblyzer) is not installed",
)


def heard(*files: bytes | dict[str, Any]) -> Dataset:
    structs = [one if isinstance(one, dict) else {"bytes": one} for one in files]
    return Dataset("calls", np.arange(len(files)), pa.table({"call": pa.array(structs)}), {"call": "audio"}, {"audio": "call"})


def noise(seconds: float = 1.0, seed: int = 0, rate: int = 16_000) -> np.ndarray:
    return (0.1 * np.random.default_rng(seed).normal(size=round(seconds * rate))).astype(np.float32)


def middles(n_mels: int, fmin: float, fmax: float) -> np.ndarray:
    """Where each band of the bank is strongest, in hertz; fine enough a transform tells."""
    return sounds.mel_bank(262_144, 1 << 18, n_mels, fmin, fmax).argmax(axis=1).astype(float)


def features(step: ItemExtractor, *files: bytes) -> np.ndarray:
    """Of these sounds, and no others."""
    beside = [wav(noise(0.2, seed)) for seed in (7, 8, 9)]  # a dataset has no fewer
    return step.run(heard(*files, *beside)).values[: len(files)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


# -- which method fits ------------------------------------------------------------------------------------------------------------


def test_sounds_are_told_logmel() -> None:
    data = heard(*[wav(tone(440))] * 3)
    assert suggest(data) == "logmel"
    assert fitting(data)[0] == "logmel"
    assert {"audio", "voice"} <= set(fitting(data))


def test_nothing_heavy_is_imported_before_it_is_needed() -> None:
    wanted = "('torch', 'scipy', 'soxr', 'soundfile', 'transformers', 'resemblyzer')"
    code = f"import sys; from explorer.features import logmel, audio, voice; print([m for m in {wanted} if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"


# -- what is shared ---------------------------------------------------------------------------------------------------------------


def mel_by_hand(samples: np.ndarray, rate: int, size: int, bands: int, low: float, high: float, hop: int) -> np.ndarray:
    """The same without a trick: every frame and every frequency of every triangle on its own."""

    def mel(hertz: float) -> float:
        return hertz * 3 / 200 if hertz < 1000 else 15 + 27 * np.log(hertz / 1000) / np.log(6.4)

    def hertz(mels: float) -> float:
        return mels * 200 / 3 if mels < 15 else 1000 * 6.4 ** ((mels - 15) / 27)

    edges = [hertz(mel(low) + (mel(high) - mel(low)) * step / (bands + 1)) for step in range(bands + 2)]
    rows = []
    for start in range(0, len(samples) - size + 1, hop):
        window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)
        power = np.abs(np.fft.rfft(samples[start : start + size].astype(float) * window)) ** 2
        row = []
        for left, middle, right in zip(edges[:-2], edges[1:-1], edges[2:], strict=True):
            total = 0.0
            for place, strength in enumerate(power):
                at = place * rate / size
                if left < at <= middle:
                    total += strength * (at - left) / (middle - left)
                elif middle < at < right:
                    total += strength * (right - at) / (right - middle)
            row.append(total * 2 / (right - left))
        rows.append(row)
    return np.array(rows)


@settings(max_examples=20, deadline=None)
@given(
    st.integers(0, 9), st.sampled_from([64, 100, 256]), st.integers(2, 12), st.integers(1, 80), st.sampled_from([0.0, 50.0, 900.0])
)
def test_mel_power_is_what_it_is_by_hand(seed: int, size: int, bands: int, hop: int, low: float) -> None:
    samples = noise(0.05, seed)
    bank = sounds.mel_bank(16_000, size, bands, low, 7_000.0)
    expected = mel_by_hand(samples, 16_000, size, bands, low, 7_000.0, hop)
    assert np.allclose(sounds.mel_power(samples, bank, size, hop), expected, rtol=1e-4, atol=1e-7)


def test_long_sounds_are_transformed_in_parts_that_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    bank = sounds.mel_bank(16_000, 512, 20, 0.0, 8_000.0)
    whole = sounds.mel_power(noise(), bank, 400, 160)
    monkeypatch.setattr(sounds, "FRAMES_AT_ONCE", 7)
    assert np.allclose(sounds.mel_power(noise(), bank, 400, 160), whole, rtol=1e-5)


def test_every_band_has_a_frequency_however_narrow() -> None:
    size = sounds.fft_size(16_000, 40, 128, (0.0, 8_000.0))
    assert size > 64
    assert sounds.mel_bank(16_000, size, 128, 0.0, 8_000.0).any(axis=1).all()


def test_resampling_keeps_a_tone_and_takes_out_what_is_too_high() -> None:
    low = sounds.resampled(Sound(tone(1_000, rate=44_100), 44_100), 16_000)
    assert len(low) == 16_000
    assert np.allclose(low[1_000:-1_000], tone(1_000)[1_000:-1_000], atol=1e-3)
    assert np.abs(sounds.resampled(Sound(tone(15_000, rate=44_100), 44_100), 16_000)[1_000:-1_000]).max() < 1e-3


def test_trimming_leaves_the_sound_and_what_is_quiet_within_it() -> None:
    quiet = 1e-4 * tone(300, 0.5)
    made = np.concatenate([quiet, tone(300), quiet, tone(300), quiet])
    trimmed = sounds.trimmed(made, 16_000)
    assert len(trimmed) == 2.5 * 16_000
    assert np.array_equal(trimmed, made[8_000:-8_000])


# -- log-mel ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hertz", [200.0, 1_000.0, 3_000.0, 6_500.0])
def test_a_tone_is_loudest_in_its_own_band_and_does_not_change(hertz: float) -> None:
    mean, deviation, change = features(LogMel(), wav(tone(hertz)))[0].reshape(3, 64)
    centres = middles(64, 50.0, 8_000.0)
    assert mean.argmax() == np.abs(centres - hertz).argmin()
    assert deviation[mean.argmax()] < 0.05
    assert change[mean.argmax()] < 0.05


def test_deviation_is_how_much_a_band_varies_and_change_how_fast() -> None:
    steady, wave = tone(1_000, 4.0), np.arange(64_000) / 16_000
    once = steady * np.where(wave < 2, 1.0, 0.1).astype(np.float32)
    often = steady * np.where(wave * 5 % 1 < 0.5, 1.0, 0.1).astype(np.float32)
    band = np.abs(middles(64, 50.0, 8_000.0) - 1_000).argmin()
    (_, varies, slowly), (_, as_much, fast) = features(LogMel(), wav(once), wav(often)).reshape(2, 3, 64)[:, :, band]
    assert varies == pytest.approx(10, abs=0.2)  # half the time 20 decibels less
    assert as_much == pytest.approx(10, abs=1.5)
    assert slowly == pytest.approx(20 / 397, abs=0.01)  # once 20 decibels in 398 frames
    assert fast == pytest.approx(39 * 20 / 397, abs=0.1)


def test_white_noise_of_full_scale_is_about_0_decibels_without_normalize() -> None:
    loud = features(LogMel(normalize=False, fmin=200), wav(noise(5.0) * 10))[0][:64]
    soft = features(LogMel(normalize=False, fmin=200), wav(noise(5.0)))[0][:64]
    assert loud.max() < 0.5
    assert loud.min() > -3.0  # the mean of the logarithm is less than the logarithm of the mean: by 2.5 dB for one frequency
    assert np.allclose(loud - soft, 20.0, atol=0.1)


@pytest.mark.parametrize("gain", [1e-4, 0.3, 2.0, 1e30])
def test_loudness_says_nothing_unless_it_is_asked_for(gain: float) -> None:
    call = np.concatenate([tone(500, 0.4), tone(2_000, 0.4)]) + noise(0.8)
    loud, soft = features(LogMel(), wav(call), wav(call * np.float32(gain)))
    assert np.allclose(loud, soft, atol=1e-3)
    if gain < 1e30:
        loud, soft = features(LogMel(normalize=False), wav(call), wav(call * np.float32(gain)))
        assert np.abs(loud[:64] - soft[:64]).mean() > 1.0


def test_quiet_edges_say_nothing_unless_they_are_asked_for() -> None:
    call = tone(500, 0.5) * np.hanning(8_000).astype(np.float32) + tone(2_000, 0.5)
    padded = np.pad(call, (4_800, 8_000))
    plain, edged = features(LogMel(), wav(call), wav(padded))
    assert np.allclose(plain, edged, atol=0.5)
    plain, edged = features(LogMel(trim=False), wav(call), wav(padded))
    assert np.abs(plain - edged).max() > 5


def test_segments_keep_the_order_and_statistics_alone_do_not() -> None:
    up, down = np.concatenate([tone(500), tone(2_000)]), np.concatenate([tone(2_000), tone(500)])
    one, two = features(LogMel(), wav(up), wav(down))
    assert np.allclose(one, two, atol=0.5)
    one, two = features(LogMel(segments=2), wav(up), wav(down))
    assert one.shape == (2 * 3 * 64,)
    assert np.abs(one - two).max() > 20
    assert np.allclose(one[:64], two[192:256], atol=3)


def test_subtract_mean_takes_out_what_a_microphone_does() -> None:
    call = np.concatenate([tone(500) + 0.1 * noise(), tone(2_000) + 0.1 * noise(1.0, 1)])
    coloured = np.convolve(call, [1.0, -0.7])[: len(call)].astype(np.float32)
    step = LogMel(segments=2)
    apart = np.abs(np.subtract(*features(step, wav(call), wav(coloured)))).mean()
    step.set(subtract_mean=True)
    assert np.abs(np.subtract(*features(step, wav(call), wav(coloured)))).mean() < apart / 3


def test_cepstra_are_the_cosine_transform_of_the_bands() -> None:
    from scipy.fft import idct

    bands = features(LogMel(), wav(noise()))[0][:64]
    cepstra = features(LogMel(n_cepstra=64), wav(noise()))[0][:64]
    assert np.allclose(idct(cepstra, norm="ortho"), bands, atol=1e-3)
    assert features(LogMel(n_cepstra=13), wav(noise())).shape == (1, 39)
    assert features(LogMel(n_cepstra=100), wav(noise())).shape == (1, 192)


def test_high_sounds_are_heard_at_a_high_rate() -> None:
    bat = wav(tone(45_000, 0.2, 250_000), 250_000)
    step = LogMel(rate=250_000, fmin=10_000, window=4.0, hop=1.0, n_mels=40)
    mean = features(step, bat)[0][:40]
    assert mean.argmax() == np.abs(middles(40, 10_000.0, 125_000.0) - 45_000).argmin()


@pytest.mark.parametrize("settings", [{"fmin": 5_000, "fmax": 4_000}, {"fmax": 9_000}, {"rate": 2_000, "fmin": 1_000.0}])
def test_pitches_that_are_not_there_are_refused(settings: dict[str, float]) -> None:
    with pytest.raises(InputError, match=r"fmin=.*half of rate"):
        features(LogMel(**settings), wav(tone(440)))


def test_ten_minutes_are_heard_a_part_at_a_time() -> None:
    import tracemalloc

    data = heard(*[wav(noise(600.0), subtype="PCM_16")] * 3)  # equal ones are computed once
    tracemalloc.start()
    try:
        LogMel().run(data)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 250e6


# -- all of them ------------------------------------------------------------------------------------------------------------------


def steps(folder: Path) -> list[ItemExtractor]:
    made: list[ItemExtractor] = [LogMel(), LogMel(segments=8)]
    if importlib.util.find_spec("torch"):
        made += [Audio(model=str(wav2vec2(folder)), window=0.5)]
        made += [Voice()] if importlib.util.find_spec("resemblyzer") else []
    return made


def test_what_stands_beside_a_sound_changes_nothing(folder: Path) -> None:
    many = [wav(noise(0.2 + 0.3 * row, row)) for row in range(9)]
    for step in steps(folder):
        together = features(step, *many)
        assert np.array_equal(together, np.vstack([features(step, one) for one in many])), step
        assert np.array_equal(together[::-1], features(step, *many[::-1])), step


def test_a_click_is_heard_and_silence_is_not(folder: Path) -> None:
    click = np.zeros(16, np.float32)
    click[5] = 0.5
    for step in steps(folder):
        result = step.run(heard(wav(click), wav(tone(440)), wav(np.zeros(1_000, np.float32)), wav(np.full(2, 0.1, np.float32))))
        assert result.valid.tolist() == [True, True, False, True], step
        assert "only silence" in result.notes[0]


def bad() -> dict[str, bytes]:
    good = wav(tone(440), subtype="PCM_16")
    return {
        "empty": b"",
        "text": b"this is no sound at all",
        "a picture": b"\x89PNG\r\n\x1a\n" + b"\0" * 100,
        "only a header": good[:44],
        "a header cut off": good[:20],
        "no samples": wav(np.zeros(0, np.float32)),
        "three samples of 48 kHz": wav(np.zeros(3, np.float32), 48_000),
        "a million channels": good[:22] + b"\xff\xff" + good[24:],
    }


def test_what_cannot_be_heard_is_lost_with_its_reason(folder: Path) -> None:
    files = bad()
    fine = [wav(noise(0.3, row)) for row in range(len(files))]
    for step in steps(folder):
        result = step.run(heard(*files.values(), *fine))
        assert result.valid.tolist() == [False] * len(files) + [True] * len(fine), step
        assert f"{len(files)} of {2 * len(files)} sounds have no features: item 0: there is no sound" in result.notes[0]


def test_too_long_for_the_rate_is_a_reason_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sounds, "MOST_SAMPLES", 20_000)
    result = LogMel().run(heard(wav(tone(440)), wav(tone(440, 2.0)), wav(tone(300))))
    assert result.valid.tolist() == [True, False, True]
    assert "2 seconds are too long for 16,000 samples a second" in result.notes[0]


def test_a_window_is_the_same_as_the_sound_cut_out() -> None:
    long = np.concatenate([tone(300), tone(3_000)])
    window = {"bytes": wav(long), "start": 1.0, "stop": 2.0}
    result: Result = LogMel().run(heard(window, wav(long[16_000:]), wav(long)))
    assert np.array_equal(result.values[0], result.values[1])


@pytest.mark.parametrize(
    ("method", "missing", "extra"),
    [(LogMel, "soxr", "sound"), (LogMel, "soundfile", "sound"), (Audio, "transformers", "models"), (Voice, "resemblyzer", "voice")],
)
def test_what_is_not_installed_is_named(method: type, missing: str, extra: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.util.find_spec

    def without(name: str) -> object:
        return None if name == missing else real(name)

    for module in ("sounds", "weights", "voice"):
        monkeypatch.setattr(f"explorer.features.{module}.find_spec", without)
    with pytest.raises(MissingExtra, match=rf"embedding-explorer\[{extra}\]"):
        features(method(), wav(tone(440)))


# -- networks by name -------------------------------------------------------------------------------------------------------------


@networks
def test_wav2vec2_is_the_mean_over_time_of_what_transformers_gives(folder: Path) -> None:
    import torch
    from transformers import AutoFeatureExtractor, AutoModel

    model, extractor = AutoModel.from_pretrained(wav2vec2(folder)).eval(), AutoFeatureExtractor.from_pretrained(wav2vec2(folder))
    with torch.inference_mode():
        made = model(**extractor(noise(), sampling_rate=16_000, return_tensors="pt")).last_hidden_state[0].mean(0).numpy()
    assert np.allclose(features(Audio(model=str(wav2vec2(folder))), wav(noise()))[0], made, atol=1e-5)


@networks
@pytest.mark.parametrize("truncation", ["rand_trunc", "fusion"])
def test_clap_is_its_audio_half(folder: Path, truncation: str) -> None:
    import torch
    from transformers import AutoFeatureExtractor, AutoModel

    where = clap(folder, truncation)
    model, extractor = AutoModel.from_pretrained(where).eval(), AutoFeatureExtractor.from_pretrained(where)
    samples = noise(0.6, rate=8_000)
    with torch.inference_mode():
        given = {name: value.float() if name == "input_features" else value
                 for name, value in extractor(samples, sampling_rate=8_000, return_tensors="pt").items()}  # fmt: skip
        made = model.get_audio_features(**given).pooler_output[0].numpy()
    found = features(Audio(model=str(where)), wav(samples, 8_000))[0]
    assert np.allclose(found, made, atol=1e-5)
    assert np.linalg.norm(found) == pytest.approx(1, abs=1e-5)


@networks
def test_long_sounds_are_the_mean_of_their_pieces_and_never_cut_at_random(folder: Path) -> None:
    for where, most in ((clap(folder), 1.0), (ast(folder), 0.64), (whisper(folder), 1.0)):
        rate = 8_000 if where.name.startswith("clap") else 16_000
        samples = noise(2.5 * most, rate=rate)
        size = int(most * rate)
        parts = [samples[start : start + size] for start in range(0, len(samples), size)]
        step = Audio(model=str(where))
        whole = features(step, wav(samples, rate))[0]
        expected = np.average(features(step, *[wav(part, rate) for part in parts]), axis=0, weights=[2, 2, 1])
        assert np.allclose(whole, expected, atol=1e-5), where.name
        assert np.array_equal(whole, features(step, wav(samples, rate))[0]), where.name


@networks
def test_what_whisper_fills_up_is_not_in_the_mean(folder: Path) -> None:
    import torch
    from transformers import AutoFeatureExtractor, AutoModel

    model, extractor = AutoModel.from_pretrained(whisper(folder)).eval(), AutoFeatureExtractor.from_pretrained(whisper(folder))
    with torch.inference_mode():
        last = model.get_encoder()(**extractor(noise(0.4), sampling_rate=16_000, return_tensors="pt")).last_hidden_state[0]
    assert last.shape[0] == 50
    assert np.allclose(features(Audio(model=str(whisper(folder))), wav(noise(0.4)))[0], last[:20].mean(0).numpy(), atol=1e-5)


@networks
def test_a_model_that_is_not_there_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    importlib.import_module("huggingface_hub.constants")  # it reads the environment once, and other tests go on after this one
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(InputError, match="local folder with the model, connect to the network, or take another method"):
        features(Audio(), wav(tone(440)))
    with pytest.raises(InputError, match="is no model of sounds"):
        features(Audio(model=str(tmp_path)), wav(tone(440)))


@networks
def test_a_model_of_pictures_is_no_model_of_sounds(tmp_path: Path) -> None:
    from transformers import ViTConfig, ViTImageProcessor, ViTModel

    ViTModel(
        ViTConfig(hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8, image_size=32)
    ).save_pretrained(tmp_path)
    ViTImageProcessor(size={"height": 32, "width": 32}).save_pretrained(tmp_path)
    with pytest.raises(InputError, match="is no model of sounds"):
        features(Audio(model=str(tmp_path)), wav(tone(440)))


@networks
def test_damaged_weights_are_one_sentence(folder: Path, tmp_path: Path) -> None:
    for file in wav2vec2(folder).iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes()[: 200 if file.suffix == ".safetensors" else None])
    with pytest.raises(InputError, match="cannot be loaded"):
        features(Audio(model=str(tmp_path)), wav(tone(440)))


# -- voices -----------------------------------------------------------------------------------------------------------------------


def speech(pitch: float, formants: tuple[float, float], seconds: float = 2.0) -> np.ndarray:
    """A buzz through two resonances, which is what a vowel is."""
    from scipy.signal import lfilter

    made = (np.arange(round(seconds * 16_000)) % round(16_000 / pitch) == 0).astype(float)
    for hertz in formants:
        made = lfilter([1.0], [1.0, -1.94 * np.cos(2 * np.pi * hertz / 16_000), 0.94], made)
    return (0.3 * made / np.abs(made).max()).astype(np.float32)


# What resemblyzer 0.1.4 itself gives for these sounds (`embed_utterance` after `normalize_volume`): some of its largest numbers.
KNOWN = {
    (100.0, 500.0, 1_500.0): {77: 0.21512, 120: 0.23651, 124: 0.23625, 199: 0.25117, 211: 0.25871, 238: 0.22599},
    (230.0, 800.0, 1_250.0): {66: 0.17424, 78: 0.18502, 120: 0.17334, 122: 0.29553, 168: 0.18571, 231: 0.21193},
}


@voices
def test_the_vectors_are_those_of_resemblyzer() -> None:
    for (pitch, first, second), numbers in KNOWN.items():
        made = features(Voice(trim=False), wav(speech(pitch, (first, second))))[0]
        assert np.linalg.norm(made) == pytest.approx(1, abs=1e-5)
        assert made[list(numbers)] == pytest.approx(list(numbers.values()), abs=1e-4)


@voices
def test_resemblyzer_itself_is_never_imported() -> None:
    code = "import sys; from explorer.features import voice; voice.load(voice.weights_file(), __import__('torch').device('cpu'));"
    code += "print([m for m in ('resemblyzer', 'librosa', 'webrtcvad') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"


@voices
def test_a_voice_is_nearer_to_itself_than_to_another() -> None:
    low = [wav(speech(100, formants)) for formants in ((500, 1_500), (300, 2_200), (700, 1_100))]
    high = [wav(speech(230, formants)) for formants in ((560, 1_700), (340, 2_500), (800, 1_250))]
    made = features(Voice(), *low, *high)
    alike = made @ made.T
    assert min(alike[:3, :3].mean(), alike[3:, 3:].mean()) > alike[:3, 3:].mean() + 0.1


@voices
def test_soft_speech_is_raised_and_a_long_one_is_the_mean_of_its_utterances() -> None:
    short = speech(120, (500, 1_500))
    plain, soft = features(Voice(), wav(short * 0.1), wav(short * 0.01))
    assert plain @ soft > 0.9999
    assert voice.utterance_starts(1_000, 1.3) == [0]
    assert voice.utterance_starts(16_000 * 4, 1.3) == [0, 77, 154, 231]
    assert voice.utterance_starts(16_000 * 4 + 2_000, 1.3) == [0, 77, 154, 231]


@voices
def test_weights_that_are_not_the_encoder_are_refused(tmp_path: Path) -> None:
    import torch

    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path(tmp_path / "ran").touch, ()

    for content in ({"model_state": {}}, {"else": 1}, {"model_state": Trap()}):
        torch.save(content, tmp_path / "pretrained.pt")
        with pytest.raises(InputError, match="does not hold the speaker encoder"):
            voice.load(tmp_path / "pretrained.pt", torch.device("cpu"))
    assert not (tmp_path / "ran").exists()
