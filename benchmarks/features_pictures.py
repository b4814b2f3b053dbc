"""Many small pictures: speed, memory that does not grow, and a run that is killed at a random block and goes on to the same bytes.

    python benchmarks/features_pictures.py [--n 200000] [--folder DIR] [--set NAME=VALUE ...]

The pictures are made by turning, mirroring, scaling and tinting those of the sample. They are read as any folder of pictures is, in
a process of its own; memory is what that process holds beside files that are mapped (``RssAnon``), sampled twice a second, and what
`ps` would show (``VmRSS``, with mapped files).
"""

from __future__ import annotations

import argparse
import hashlib
import io
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

EMOJI = Path(__file__).parent.parent / "sample_data" / "emoji.parquet"
SIDE = 64  # pixels of a picture
A_FOLDER = 1_000  # pictures in one folder

RUN = """
import json, sys
from pathlib import Path
from explorer.dataset import Dataset
from explorer.step import find
data, out, settings = Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3])
step = find("extract", "image")
step.set(**{name: step.parse(name, value) for name, value in settings.items()})
dataset = Dataset.load(data)
print("loaded", flush=True)
result = step.run(dataset, store=out)
result.save(out / "result")
print("saved", result.values.shape, result.seconds, flush=True)
"""


def make(folder: Path, count: int) -> None:
    """Write so many pictures, unless they are there."""
    if (folder / "made").exists() and (folder / "made").read_text() == str(count):
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with ProcessPoolExecutor() as pool:
        starts = range(0, count, A_FOLDER)
        list(pool.map(make_some, [folder] * len(starts), starts, [min(start + A_FOLDER, count) for start in starts]))
    (folder / "made").write_text(str(count))


def make_some(folder: Path, start: int, stop: int) -> None:
    """Write one folder of pictures."""
    from PIL import Image, ImageEnhance, ImageOps

    files = [picture["bytes"] for picture in pq.read_table(EMOJI, columns=["picture"])["picture"].to_pylist()]
    place = folder / f"{start // A_FOLDER:04}"
    place.mkdir()
    for number in range(start, stop):
        chance = random.Random(number)
        picture = Image.open(io.BytesIO(files[number % len(files)])).convert("RGBA")
        picture = picture.rotate(chance.uniform(-40, 40), Image.Resampling.BICUBIC)
        side = round(SIDE * chance.uniform(1.0, 1.4))
        picture = ImageOps.fit(picture, (side, side)).crop((0, 0, SIDE, SIDE))
        picture = ImageOps.mirror(picture) if chance.random() < 0.5 else picture
        ground = Image.new("RGB", picture.size, tuple(chance.randrange(200, 256) for _ in range(3)))
        ground.paste(picture, mask=picture.getchannel("A"))
        ImageEnhance.Color(ground).enhance(chance.uniform(0.3, 1.7)).save(place / f"{number:06}.png", compress_level=1)


class Watched:
    """A run in a process of its own, and the most memory it held."""

    def __init__(self, data: Path, out: Path, settings: str) -> None:
        out.mkdir(parents=True, exist_ok=True)
        self.child = subprocess.Popen([sys.executable, "-c", RUN, str(data), str(out), settings], stdout=subprocess.PIPE, text=True)
        self.anonymous = self.resident = 0.0
        self.begun = time.perf_counter()

    def look(self) -> bool:
        """Note its memory; whether it goes on."""
        if self.child.poll() is not None:
            return False
        try:
            status = Path(f"/proc/{self.child.pid}/status").read_text()
        except OSError:
            return False
        held = {line.split(":")[0]: float(line.split()[1]) / 1e3 for line in status.splitlines() if line.endswith("kB")}
        self.anonymous = max(self.anonymous, held.get("RssAnon", 0.0))
        self.resident = max(self.resident, held.get("VmRSS", 0.0))
        return True

    def wait(self) -> float:
        """Seconds until it ended."""
        while self.look():
            time.sleep(0.5)
        if self.child.returncode:
            raise SystemExit(f"the run ended with {self.child.returncode}")
        return time.perf_counter() - self.begun


def digest(out: Path) -> str:
    """What the values are, byte for byte."""
    with open(out / "result" / "values.npy", "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def main() -> None:
    """Make, read, run, kill, resume, compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=200_000)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "explorer-pictures")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="settings of the image extractor")
    parser.add_argument("--seed", type=int, default=None, help="of the block at which it is killed")
    given = parser.parse_args()
    import json

    from explorer.worker import read_apart

    settings = json.dumps(dict(one.split("=", 1) for one in given.set))
    begun = time.perf_counter()
    make(given.folder / "pictures", given.n)
    print(f"made {given.n:,} pictures in {time.perf_counter() - begun:,.0f} s", flush=True)
    work = given.folder / "work"
    shutil.rmtree(work, ignore_errors=True)
    begun = time.perf_counter()
    data = work / "dataset"
    dataset = read_apart(str(given.folder / "pictures"), data)
    print(f"read in {time.perf_counter() - begun:,.0f} s: {dataset.summary}", flush=True)

    few = work / "few"
    dataset.take(np.arange(min(2_000, given.n))).save(few)
    print("| pictures | items/s | seconds | peak memory, anonymous | with mapped files |")
    print("|--:|--:|--:|--:|--:|")
    for place, count in ((few, min(2_000, given.n)), (data, given.n)):
        run = Watched(place, work / f"whole-{count}", settings)
        seconds = run.wait()
        held = f"{run.anonymous:,.0f} MB | {run.resident:,.0f} MB"
        print(f"| {count:,} | {count / seconds:,.0f} | {seconds:,.0f} | {held} |", flush=True)

    blocks = -(-given.n // 1_024)
    kill_at = random.Random(given.seed).randrange(1, max(2, blocks))
    broken = work / "broken"
    run = Watched(data, broken, settings)
    while run.look() and written(broken) < kill_at:
        time.sleep(0.05)
    run.child.send_signal(signal.SIGKILL)
    run.child.wait()
    left, after = written(broken), time.perf_counter() - run.begun
    seconds = Watched(data, broken, settings).wait()
    same = digest(broken) == digest(work / f"whole-{given.n}")
    when = f"in block {left + 1:,} of {blocks:,} after {after:,.0f} s"
    print(f"\nkilled with `kill -9` {when}; resumed and done in {seconds:,.0f} s:")
    print("the same bytes" if same else "DIFFERENT BYTES")
    if not same:
        raise SystemExit(1)


def written(out: Path) -> int:
    """How many blocks are on disk."""
    return sum(path.read_bytes().count(b"\n") for path in out.glob(".partial-*/done.jsonl"))


if __name__ == "__main__":
    main()
