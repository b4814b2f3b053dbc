"""The small drawing of an item: every extreme is on it, tones are where they belong, and what cannot be drawn is nothing."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageColor
from test_views import Wire, everything, sent, until  # noqa: F401  fixtures

import explorer
from explorer import Session, drawing
from explorer.dataset import Dataset
from explorer.dataset.sounds import Sound
from explorer.drawing.inks import CHANNELS, GREY
from explorer.drawing.lines import band, draw_series, envelope, extremes
from explorer.drawing.spectrogram import draw_sound, edges, spectrogram, split_at
from explorer.exports.html.sprites import ACROSS, WIDE, sprites
from explorer.step import Progress, Result
from explorer.views import items
from explorer.views.focus import FINE, large_picture
from explorer.views.sounds import MOST, to_wav

RNG = np.random.default_rng(0)
RATE = 8_000


def traces(*items_: Any, names: str = '["x", "y"]') -> Dataset:
    """Time series of given channels."""
    kind = pa.large_list(pa.large_list(pa.float32()))
    field = pa.field("trace", kind, metadata={b"channels": names.encode()})
    column = pa.array([[list(map(float, channel)) for channel in item] for item in items_], kind)
    ids = np.array([f"t{row}" for row in range(len(items_))], object)
    return Dataset("traces", ids, pa.table([column], schema=pa.schema([field])), {}, {"series": "trace"})


def clip(samples: np.ndarray, rate: int = RATE) -> bytes:
    out = io.BytesIO()
    soundfile.write(out, samples, rate, format="WAV", subtype="FLOAT")
    return out.getvalue()


def tone(hertz: float, seconds: float = 1.0, rate: int = RATE) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate)).astype(np.float32)


class Told(Dataset):
    """Remembers in which threads its sounds were decoded."""

    threads: ClassVar[list[str]] = []

    def sound(self, row: int) -> Sound:
        self.threads.append(threading.current_thread().name)
        return super().sound(row)


def sounds(*clips: bytes) -> Told:
    ids = np.array([f"s{row}" for row in range(len(clips))], object)
    return Told("clips", ids, pa.table({"clip": pa.array(clips, pa.binary())}), {}, {"audio": "clip"})


CLIPS = sounds(clip(tone(440)), clip(tone(2_000)), b"not a sound", clip(tone(100, 0.2)))


def alpha(image: Any, ink: str) -> np.ndarray:
    """``(h, w)`` how thick pixels of one colour are."""
    pixels = np.asarray(image).astype(int)
    same = np.abs(pixels[..., :3] - ImageColor.getrgb(ink)[:3]).max(axis=2) < 30
    return np.where(same, pixels[..., 3], 0)


# What is drawn


def test_the_first_role_that_can_be_drawn_is() -> None:
    assert [drawing.drawn_role(one) for one in (everything(), CLIPS, traces(*[[[1, 2]]] * 3))] == ["image", "audio", "series"]
    plain = explorer.read(RNG.normal(size=(5, 3)))
    assert not drawing.drawable(plain)
    assert (drawing.draw(plain, 0, 96), drawing.picture(plain, 0, 96), drawing.facts(plain, 0)) == (b"", None, [])
    both = Dataset("both", CLIPS.ids, CLIPS.table.append_column("t", pa.array(["a"] * 4)), {}, {"audio": "clip", "text": "t"})
    assert items.modes(both) == ["gallery", "cards", "table"]
    assert items.modes(plain) == ["table"]


@pytest.mark.parametrize("size", [96, 256, 512, 1_536])
def test_a_drawing_is_as_large_as_it_says_and_always_the_same(size: int) -> None:
    for dataset in (traces(*[RNG.normal(size=(2, 500))] * 3), CLIPS):
        first = drawing.draw(dataset, 0, size)
        image = Image.open(io.BytesIO(first))
        assert (image.format, image.size) == ("PNG", drawing.shape(dataset, size))
        assert image.size[0] == size
        assert first == drawing.draw(dataset, 0, size)
    assert max(drawing.picture(everything(), 0, size).size) == min(size, 200), "a photograph is not made larger"


def test_what_cannot_be_read_is_not_drawn() -> None:
    assert drawing.draw(CLIPS, 2, 96) == b""
    assert [name for name, _ in drawing.facts(CLIPS, 2)] == ["unreadable"]
    assert drawing.draw(everything(), 3, 96) == b""
    assert large_picture(CLIPS, 2) is None


def test_facts_beside_a_drawing() -> None:
    assert drawing.facts(CLIPS, 3) == [("length", "0.20 s"), ("rate", "8,000 samples a second")]
    dataset = traces([[1, -2.5, 3], [0, np.nan]], [[7]], [[]])
    assert drawing.facts(dataset, 0) == [("length", "3 values in each of 2 channels"), ("range", "-2.5 to 3")]
    assert drawing.facts(dataset, 1) == [("length", "1 value"), ("range", "7 to 7")]
    assert drawing.facts(dataset, 2) == [("length", "0 values")]


@pytest.mark.parametrize("ink", [*CHANNELS, GREY])
@pytest.mark.parametrize("ground", ["#ffffff", "#f3f5f8", "#16191f", "#20252d"])
def test_inks_read_on_every_ground(ink: str, ground: str) -> None:
    def light(color: str) -> float:  # relative luminance as WCAG 2 has it
        parts = np.array(ImageColor.getrgb(color)) / 255
        return float(np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722])

    low, high = sorted([light(ink), light(ground)])
    assert (high + 0.05) / (low + 0.05) >= 2.8


# Time series


VALUES = st.lists(st.one_of(st.floats(-1e3, 1e3, width=32), st.just(float("nan"))), min_size=1, max_size=80)


@settings(max_examples=200, deadline=None)
@given(VALUES, st.integers(1, 40))
def test_extremes_and_bands_are_those_of_each_column(given_: list[float], most: int) -> None:
    values = np.array(given_, np.float32)
    count = min(len(values), most)
    low, high = extremes(values, most)
    below, above = band(values, most)
    assert len(low) == len(high) == len(below) == count
    for place in range(count):
        start, stop = place * len(values) // count, (place + 1) * len(values) // count
        own = values[start:stop].astype(float)
        own = own[~np.isnan(own)]
        if not len(own):
            assert np.isnan([low[place], high[place]]).all()
            continue
        assert (low[place], high[place]) == (own.min(), own.max())
        assert below[place] == pytest.approx(own.mean() - own.std(), abs=1e-2)
        assert above[place] == pytest.approx(own.mean() + own.std(), abs=1e-2)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 12), st.floats(0, 12)), min_size=1, max_size=6))
def test_an_envelope_covers_what_lies_between(curves: list[tuple[float, float]]) -> None:
    low, high = (np.array(one) for one in zip(*((max(pair), min(pair)) for pair in curves), strict=True))
    made = envelope(low, high, 12)
    fine = (np.arange(12 * 200) + 0.5) / 200
    for place in range(len(low)):
        top, bottom = high[place], low[place]
        if place:
            top, bottom = min(top, low[place - 1]), max(bottom, high[place - 1])
        thin = max(0.0, 1 - (bottom - top)) / 2
        covered = ((fine > top - thin) & (fine < bottom + thin)).reshape(12, 200).mean(axis=1)
        assert made[:, place] == pytest.approx(covered, abs=0.011)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 999_999), st.sampled_from([-1, 1]), st.sampled_from([96, 512]))
def test_no_spike_of_a_million_values_is_lost(place: int, sign: int, width: int) -> None:
    values = np.sin(np.arange(1_000_000, dtype=np.float32) / 1e5)
    values[place] = 50 * sign
    height = width * 2 // 3
    inked = alpha(draw_series(values[None], width, height), CHANNELS[0])
    edge = inked[: height // 6] if sign > 0 else inked[-height // 6 :]
    columns = np.flatnonzero(edge.max(axis=0) > 60)
    assert len(columns)
    assert np.abs(columns - place / 1e6 * width).max() <= 4


def test_missing_values_leave_a_gap() -> None:
    values = np.sin(np.arange(300, dtype=np.float32) / 10)
    values[100:200] = np.nan
    for many in (1, 50):
        inked = alpha(draw_series(np.repeat(values, many)[None], 96, 64), CHANNELS[0]).max(axis=0)
        assert inked[34:62].max() == 0
        assert inked[[*range(2, 30), *range(66, 94)]].min() > 0
    lone = np.full(100, np.nan, np.float32)
    lone[50] = 3
    assert alpha(draw_series(lone[None], 96, 64), CHANNELS[0]).max() > 200, "one value between gaps is a dot"


def test_a_line_goes_up_where_values_do() -> None:
    inked = alpha(draw_series(np.arange(40, dtype=np.float32)[None], 96, 64), CHANNELS[0])
    rows = [np.average(np.arange(64), weights=inked[:, column]) for column in (5, 50, 90)]
    assert rows[0] > rows[1] > rows[2]
    assert rows[0] > 50
    assert rows[2] < 14


def test_a_thin_line_stands_at_zero_or_at_the_median() -> None:
    waves = np.sin(np.arange(300, dtype=np.float32) / 3)
    made = draw_series(np.stack([waves, waves + 9, np.where(np.arange(300) < 200, 4, 8)]).astype(np.float32), 96, 96)
    rules = np.flatnonzero((alpha(made, GREY) > 60).sum(axis=1) > 20)
    assert [int(row) // 32 for row in rules] == [0, 1, 2], "one in each lane"
    assert abs(rules[0] - 16) <= 1
    assert abs(rules[1] - 48) <= 2


@pytest.mark.parametrize("length", [60, 5_000])
def test_each_channel_has_a_lane_and_a_colour(length: int) -> None:
    made = draw_series(RNG.normal(size=(6, length)).astype(np.float32), 120, 80)
    for channel, ink in enumerate(CHANNELS):
        rows = np.flatnonzero(alpha(made, ink).max(axis=1) > 150)
        assert rows.min() >= round(channel * 80 / 6)
        assert rows.max() < round((channel + 1) * 80 / 6)


def test_many_channels_are_rows_of_a_table() -> None:
    values = np.tile(np.arange(30, dtype=np.float32), (8, 1))
    values[3], values[5, :15] = np.nan, np.nan
    made = np.asarray(draw_series(values, 96, 64)).astype(int)
    assert (made[3 * 8 + 4, :, 3] == 0).all(), "a channel without values is empty"
    assert (made[5 * 8 + 4, :40, 3] == 0).all()
    assert (made[5 * 8 + 4, 60:, 3] == 255).all()
    light = made[4, :, :3].sum(axis=1)
    assert light[-1] > light[48] > light[0]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("width", [96, 1_536])
@pytest.mark.parametrize("channels", [1, 3, 9])
@pytest.mark.parametrize(
    "values",
    [
        [], [np.nan], [np.inf, -np.inf], [0.0], [5.0], [3e38, -3e38], [1e-40, 2e-40], [7.0] * 1_000, [np.nan] * 999 + [1.0],
        [np.inf, 1.0, -np.inf, 2.0], [1.0, np.nan] * 400, [2.0, 2.0000002], np.arange(95), np.arange(97), np.arange(193),
        RNG.normal(size=3_000) * 1e38,
    ],
    ids=lambda values: f"{len(values)} of {np.asarray(values)[:1]}",
)  # fmt: skip
def test_any_series_is_drawn_or_is_nothing(values: Any, channels: int, width: int) -> None:
    with np.errstate(over="ignore"):
        dataset = traces(*[[np.asarray(values, np.float32)] * channels] * 3)
    made = drawing.picture(dataset, 0, width)
    if not np.isfinite(values).any():
        assert made is None
        return
    assert made.size == drawing.shape(dataset, width)
    assert np.asarray(made)[..., 3].max() > 200


def test_a_large_drawing_says_its_bounds_and_no_letter_is_missing() -> None:
    values = RNG.normal(size=(2, 300)).astype(np.float32)
    plain = np.asarray(drawing.picture(traces(*[values] * 3, names='["", ""]'), 0, FINE))
    named = np.asarray(drawing.picture(traces(*[values] * 3, names='["up", "down"]'), 0, FINE))
    other = np.asarray(drawing.picture(traces(*[values] * 3, names='["電圧", "温度"]'), 0, FINE))
    right = slice(int(0.92 * FINE), None)
    assert plain[:, right, 3].any()
    assert (named[:, : int(0.9 * FINE)] == plain[:, : int(0.9 * FINE)]).all()
    assert (named[:, right] != plain[:, right]).any()
    assert (other == plain).all(), "a name that the font has no letters for is its number"
    assert Image.open(io.BytesIO(large_picture(traces(*[values] * 3), 0) or b"")).format == "PNG"


# Sounds


@settings(max_examples=40, deadline=None)
@given(st.floats(120, 3_800), st.sampled_from([8_000, 22_050, 48_000]), st.integers(20, 90))
def test_a_tone_is_brightest_where_its_frequency_is(hertz: float, rate: int, bands: int) -> None:
    made = spectrogram(tone(hertz, 0.5, rate), rate, 40, bands)
    assert made.shape == (bands, 40)
    brightest = bands - 1 - int(made[:, 5:35].sum(axis=1).argmax())
    at, step = edges(rate, bands), rate / (1 << round(np.log2(0.032 * rate)))
    assert at[brightest] - step <= hertz <= at[brightest + 1] + step


def test_a_burst_is_where_it_sounds() -> None:
    samples = np.zeros(RATE * 4, np.float32)
    samples[RATE : RATE + 400] = tone(1_000, 0.05)
    made = draw_sound(samples, RATE, 96, 64)
    bright = np.asarray(made)[split_at(64) :, :, :3].sum(axis=2).max(axis=0)
    assert 24 <= int(bright.argmax()) <= 25
    wave = alpha(made, CHANNELS[0])[: split_at(64) - 1]
    tall = (wave > 50).sum(axis=0)
    assert 23 <= int(tall.argmax()) <= 26
    assert tall[40:].max() <= 2


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("count", [1, 2, 7, 95, 96, 97, 5_000, 300_000])
@pytest.mark.parametrize("rate", [100, 8_000, 1_000_000])
@pytest.mark.parametrize("loud", [0.0, 1e-6, 1.0, 1e4])
def test_any_sound_is_drawn(count: int, rate: int, loud: float) -> None:
    samples = (RNG.normal(size=count) * loud).astype(np.float32)
    made = spectrogram(samples, rate, 96, 43)
    assert made.shape == (43, 96)
    assert np.isfinite(made).all()
    assert made.min() >= 0
    assert made.max() <= 1
    assert draw_sound(samples, rate, 96, 64).size == (96, 64)
    if not loud:
        assert made.max() == 0, "silence is dark"


# The exported page


def test_sprites_of_series_stand_in_their_places() -> None:
    rows = [[RNG.normal(size=50)] for _ in range(ACROSS + 2)]
    rows[1] = [[np.nan]]
    dataset = traces(*rows)
    made = sprites(dataset, np.arange(len(rows)), Progress())
    assert made is not None
    assert (made["size"], made["tall"]) == drawing.shape(dataset, WIDE)
    import base64

    sheet = np.asarray(Image.open(io.BytesIO(base64.b64decode(made["sheets"][0]))))
    for row in range(len(rows)):
        cell = sheet[row // ACROSS * 64 :][:64, row % ACROSS * 96 :][:, :96, 3]
        drawn = drawing.picture(dataset, row, WIDE)
        assert (cell == (0 if drawn is None else np.asarray(drawn)[..., 3])).all()
    assert not sheet[64:, 2 * 96 :, 3].any()


# Playing


def test_a_wav_is_what_was_recorded() -> None:
    samples = (RNG.normal(size=900) * 0.2).astype(np.float32)
    read, rate = soundfile.read(io.BytesIO(to_wav(Sound(samples, 22_050))), dtype="float32")
    assert (read.shape, rate) == ((900,), 22_050)
    assert np.abs(read - samples).max() < 1e-4
    loud, _ = soundfile.read(io.BytesIO(to_wav(Sound(samples * 100, 22_050))), dtype="float32")
    assert np.corrcoef(loud, samples)[0, 1] > 0.9999, "softer, not cut off"
    assert np.abs(loud).max() == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize(("rate", "sent_as"), [(100, 8_000), (8_000, 8_000), (48_000, 48_000), (96_000, 48_000), (384_000, 48_000)])
def test_a_wav_has_a_rate_that_browsers_play_and_a_minute_at_most(rate: int, sent_as: int) -> None:
    low = tone(rate / 100, 62 if rate < 10_000 else 2, rate)
    read, found = soundfile.read(io.BytesIO(to_wav(Sound(low, rate))), dtype="float32")
    assert found == sent_as
    assert len(read) / found == pytest.approx(min(MOST, len(low) / rate), abs=0.01)
    power = np.abs(np.fft.rfft(read * np.hanning(len(read))))
    assert power.argmax() * found / len(read) == pytest.approx(rate / 100, rel=0.02)


@pytest.fixture
def wire(sent: list) -> Iterator[Wire]:  # noqa: F811
    session = Session(CLIPS)
    session.adopt(Result(np.array([[0, 0], [1, 0], [0, 1], [1, 1]], np.float32), "reduce", "given", {}, "", "k"))
    CLIPS.threads.clear()
    made = Wire(session, sent)
    made.say("ready")
    yield made
    made.view.close()
    session.workspace.close()


def test_a_sound_is_sent_when_it_is_asked_for(wire: Wire) -> None:
    assert wire.values()["data"]["drawn"] == "audio"
    wire.say("sound", row=1)
    came = wire.wait("sound")
    assert (came["row"], came["seconds"], came["cut"]) == (1, 1.0, False)
    read, rate = soundfile.read(io.BytesIO(came["wav"]), dtype="float32")
    assert np.abs(read - tone(2_000)).max() < 1e-4
    assert rate == RATE
    start = len(wire.sent)
    wire.say("sound", row=2)
    why = wire.wait("sound", start)["why"]
    assert "'s2'" in why
    assert "sound" in why
    for wrong in (-1, 4, True, None, "1", 1.0):
        wire.say("sound", row=wrong)
        assert "there is no item" in wire.toasts()[-1]


def test_only_sounds_are_played(sent: list) -> None:  # noqa: F811
    other = Wire(Session(traces(*[[[1, 2]]] * 3)), sent)
    other.say("sound", row=0)
    assert "only sounds" in other.toasts()[-1]
    other.view.close()


def test_nothing_is_decoded_on_the_loop_of_the_visits(wire: Wire) -> None:
    wire.say("hover", x=0.0, y=0.0, reach=0.1)
    until(lambda: (wire.values().get("hover") or {}).get("thumb"), "a thumbnail")
    wire.say("item", row=3)
    until(lambda: (wire.values().get("item") or {}).get("picture"), "a card")
    assert ("length", "0.20 s") in [tuple(line) for line in wire.values()["item"]["lines"]]
    wire.say("sprites", rows=[0, 1])
    wire.wait("sprites")
    wire.say("sound", row=0)
    wire.wait("sound")
    assert len(CLIPS.threads) >= 4
    assert threading.current_thread().name not in CLIPS.threads
    before = len(CLIPS.threads)
    assert wire.say("hover", x=0.0, y=0.0, reach=0.1)[0]["set"]["hover"]["thumb"], "at once, as it is kept"
    wire.say("hover", x=9.0, y=9.0, reach=0.1)
    assert wire.values()["hover"] is None
    assert len(CLIPS.threads) == before


def test_fewer_than_no_items_are_none(wire: Wire) -> None:
    start = len(wire.sent)
    wire.say("items", mode="gallery", version=wire.values()["items_of"]["version"], start=0, count=-1)
    assert wire.wait("items", start)["rows"] == []


def test_large_tiles_have_larger_pictures(wire: Wire) -> None:
    version = wire.values()["items_of"]["version"]
    for size in (items.THUMB, items.TILE):
        start = len(wire.sent)
        wire.say("items", mode="gallery", version=version, start=0, count=4, size=size)
        came = wire.wait("items", start)
        assert came["size"] == size
        offsets = came["offsets"]
        assert offsets[2] == offsets[3], "one cannot be read"
        assert Image.open(io.BytesIO(came["blob"][: offsets[1]])).size == drawing.shape(CLIPS, size)


def test_a_long_recording_is_decoded_where_it_is_heard(tmp_path: Path) -> None:
    samples = np.concatenate([tone(300, 5), tone(3_000, 5)])
    (tmp_path / "long.wav").write_bytes(clip(samples))
    windows = [{"path": "long.wav", "start": start, "stop": start + 2.5} for start in (0.0, 2.5, 5.0, 7.5)]
    ids = np.array([f"w{row}" for row in range(4)], object)
    dataset = Dataset("long", ids, pa.table({"clip": pa.array(windows)}), {}, {"audio": "clip"}, root=tmp_path)
    low, high = (np.asarray(drawing.picture(dataset, row, 96)).astype(int)[:, 5:90, :3].sum(axis=(1, 2)) for row in (0, 3))
    assert low.argmax() > high.argmax(), "the lower tone is drawn lower"
    assert drawing.facts(dataset, 3)[0] == ("length", "2.50 s")
