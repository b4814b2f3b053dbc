"""Words or voices: what `kmeans` finds in the features of 1,000 spoken clips, 20 words by 50 voices of espeak-ng.

    python benchmarks/features_sound.py [--seeds 3] [--picture docs/images/features-sound.png] [--model NAME_OR_FOLDER ...]

Needs Debian's `espeak-ng`, and for the voice extractor the package `resemblyzer`. ARI is the agreement of the clusters with the
words (20 clusters) and with the voices (50 clusters), 1 is perfect and 0 is chance, the mean over the seeds. Voices differ in
timbre, speed and pitch. The picture shows UMAP layouts of what two extractors give, each coloured by word and by voice.
"""

from __future__ import annotations

import argparse
import csv
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from startup import machine

import explorer
from explorer.dataset import Dataset
from explorer.errors import InputError
from explorer.step import find

WORDS = [
    "apple", "brother", "candle", "doctor", "engine", "garden", "island", "kitchen", "market", "monkey",
    "orange", "paper", "pencil", "river", "seven", "silver", "thunder", "window", "winter", "yellow",
]  # fmt: skip
VOICES = 50
PICTURE = Path(__file__).parent.parent / "docs" / "images" / "features-sound.png"
CELL, TITLE = 560, 40  # pixels of one of the four maps, and of the line above it

# The name, the method, its settings.
WAYS: list[tuple[str, str, dict[str, object]]] = [
    ("`logmel`", "logmel", {}),
    ("`logmel` untrimmed", "logmel", {"trim": False}),
    ("`logmel` 13 cepstra", "logmel", {"n_cepstra": 13}),
    ("`logmel` 4 segments", "logmel", {"segments": 4}),
    ("`logmel` 8 segments", "logmel", {"segments": 8}),
    ("`logmel` 4 segments, mean subtracted", "logmel", {"segments": 4, "subtract_mean": True}),
    ("`logmel` 8 segments, mean subtracted", "logmel", {"segments": 8, "subtract_mean": True}),
    ("`logmel` 8 segments, mean subtracted, 20 cepstra", "logmel", {"segments": 8, "subtract_mean": True, "n_cepstra": 20}),
    ("`voice`", "voice", {}),
]


def main() -> None:
    """Print one row for each extractor, and draw two of them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--picture", type=Path, default=PICTURE)
    parser.add_argument("--model", action="append", default=[], help="a model for the extractor audio, as often as wanted")
    given = parser.parse_args()
    print(machine(), "\n")
    with tempfile.TemporaryDirectory() as folder:
        dataset = explorer.read(make(Path(folder)), audio="clip")
        print(f"{len(dataset):,} clips, {len(WORDS)} words by {VOICES} voices\n")
        print("| features | numbers | seconds | clips a second | ARI with the words | ARI with the voices |")
        print("|---|--:|--:|--:|--:|--:|")
        for name, method, settings in [*WAYS, *((f"`audio` {model}", "audio", {"model": model}) for model in given.model)]:
            try:
                print(row(dataset, name, find("extract", method, **settings), given.seeds), flush=True)
            except InputError as problem:
                print(f"| {name} | {problem} | | | | |")
        draw(dataset, given.picture)


def make(folder: Path) -> Path:
    """Speak all clips; the path of the table that names them."""
    wanted = [(word, number, *voice) for number, voice in enumerate(voices()) for word in WORDS]

    def speak(one: tuple[str, int, str, int, int]) -> dict[str, str]:
        word, number, variant, speed, pitch = one
        clip = folder / f"{word}-{number:02}.wav"
        options = ["-v", f"en-us+{variant}", "-s", str(speed), "-p", str(pitch), "-w", str(clip)]
        subprocess.run(["espeak-ng", *options, word], check=True, capture_output=True)
        return {"clip": clip.name, "word": word, "voice": f"{number:02} {variant}"}

    with ThreadPoolExecutor() as pool:
        rows = list(pool.map(speak, wanted))
    table = folder / "clips.csv"
    with table.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return table


def voices() -> list[tuple[str, int, int]]:
    """Variant, words a minute and pitch: every other one of espeak-ng's own variants, spread over speeds and pitches."""
    said = subprocess.run(["espeak-ng", "--voices=variant"], check=True, capture_output=True, text=True).stdout
    files = [line.split("!v/")[1].split("  ")[0].strip() for line in said.splitlines() if "!v/" in line]
    names = sorted({name for name in files if " " not in name})
    chosen = names[::2][:VOICES]
    if len(chosen) < VOICES:
        raise SystemExit(f"espeak-ng has only {len(names)} variants of its voice here, {2 * VOICES - 1} are wanted")
    return [(name, 120 + place * 37 % 100, 25 + place * 29 % 60) for place, name in enumerate(chosen)]


def row(dataset: Dataset, name: str, step: explorer.step.Step, seeds: int) -> str:
    """A line of the table."""
    from sklearn.metrics import adjusted_rand_score

    result = step.run(dataset)
    agreements = []
    for column, count in (("word", len(WORDS)), ("voice", VOICES)):
        truth = dataset.table.column(column).to_pylist()
        found = [find("cluster", "kmeans", n_clusters=count, random_state=seed).run(result.values).values for seed in range(seeds)]
        agreements.append(np.mean([adjusted_rand_score(truth, one) for one in found]))
    cells = [str(result.values.shape[1]), f"{result.seconds:.1f}", f"{len(dataset) / result.seconds:,.0f}"]
    return f"| {name} | " + " | ".join([*cells, *(f"{agreement:.3f}" for agreement in agreements)]) + " |"


def draw(dataset: Dataset, path: Path) -> None:
    """Four maps in one picture: two extractors, coloured by word and by voice."""
    import io

    from PIL import Image, ImageDraw, ImageFont

    sheet = Image.new("RGB", (2 * CELL, 2 * (CELL + TITLE)), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(20)
    pairs = [("logmel, 4 segments, mean subtracted", "logmel", {"segments": 4, "subtract_mean": True}), ("voice", "voice", {})]
    for down, (name, method, settings) in enumerate(pairs):
        session = explorer.Session(dataset)
        session.extract(method, **settings)
        session.reduce("umap")
        for across, (column, said) in enumerate((("word", "by word"), ("voice", "by voice (20 of 50 in colour)"))):
            session.color_by = f"column:{column}"
            made = Image.open(io.BytesIO(session.picture(width=CELL, height=CELL, dpi=96, legend=False, names=False)))
            place = (across * CELL, down * (CELL + TITLE))
            pen.text((place[0] + 14, place[1] + 8), f"{name} · {said}", "black", font)
            sheet.paste(made.convert("RGB").resize((CELL, CELL)), (place[0], place[1] + TITLE))
    sheet.quantize(256).save(path, optimize=True)


if __name__ == "__main__":
    main()
