"""Where a model's weights are: the installed packages, a folder, the cache on disk, or (only if named) the Hugging Face hub."""

from __future__ import annotations

import hashlib
import os
import pickle
import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.errors import InputError, MissingExtra

if TYPE_CHECKING:
    import torch

TIMEOUT = 10.0  # seconds to find out whether the hub can be reached; its own retries take over a minute
DEVICES = ("auto", "cpu", "cuda", "mps")
OPERATORS = 8  # of torchvision that are named at most, when its compiled part is missing
PLAIN_FILES = ("*.json", "*.txt", "*.model", "*.safetensors", "*.jinja")  # what is fetched: no code, no other frameworks' weights


def require(what: str, *modules: str, extra: str = "models") -> None:
    """Raise MissingExtra unless all these modules are installed; imports none of them."""
    if not all(find_spec(module) for module in modules):
        raise MissingExtra(what, extra)


@contextmanager
def quiet() -> Iterator[None]:
    """No progress bars, telemetry, warnings or advice from the model libraries; afterwards they are as they were."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # our threads are enough, and its own complain after a fork
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mend_torchvision()
        from huggingface_hub import utils
        from transformers.utils import logging

        hub: Any = utils  # it exports these lazily, where mypy cannot see them

        bars, hub_bars, verbosity = logging.is_progress_bar_enabled(), not hub.are_progress_bars_disabled(), logging.get_verbosity()
        logging.disable_progress_bar()
        hub.disable_progress_bars()
        logging.set_verbosity(logging.CRITICAL)
        try:
            yield
        finally:
            logging.set_verbosity(verbosity)
            if bars:
                logging.enable_progress_bar()
            if hub_bars:
                hub.enable_progress_bars()


@cache
def mend_torchvision() -> tuple[object, ...]:
    """Make a torchvision that was built for another torch (CUDA beside a CPU torch) importable; gives what must stay alive.

    Its compiled part then does not load, and its import fails over the names of operators in there; with it fail timm and all of
    transformers, which import it wherever it is installed. None of the models used here calls these operators: their names are
    enough, and who does call them is told that they are missing. Where there is no torchvision, or a fitting one, nothing is done.
    """
    named: list[object] = []
    if find_spec("torchvision") is None:
        return ()
    for _ in range(OPERATORS):
        try:
            import_module("torchvision")
        except RuntimeError as problem:
            missing = re.search(r"operator torchvision::(\w+) does not exist", str(problem))
            if missing is None:
                break  # some other trouble: who needs it will say so
            import torch

            library = torch.library.Library("torchvision", "FRAGMENT")
            library.define(f"{missing[1]}(Tensor self) -> Tensor")
            named.append(library)
            for module in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
                del sys.modules[module]
        except (ImportError, OSError):
            break
        else:
            break
    return tuple(named)


def folder_of(name: str, default: str) -> Path:
    """The folder with the files of a model: a local folder, the hub's cache, or fetched into that cache now.

    Parameters
    ----------
    name
        A folder, or a name on the hub such as ``facebook/dinov2-small``. Fetched are weights (safetensors where there are any) and
        settings, never code.
    default
        The setting that works without a network, for the message.

    Raises
    ------
    InputError
        When it is neither a folder, nor in the cache, nor to be fetched.
    """
    if Path(name).expanduser().is_dir():
        return Path(name).expanduser()
    from huggingface_hub import constants, snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        cached = Path(snapshot_download(name, local_files_only=True))
        if (cached / "config.json").exists() and any(any(cached.glob(f"*.{ending}")) for ending in ("safetensors", "bin")):
            return cached
    except HFValidationError as problem:
        raise _not_to_be_had(name, "it is no folder, and no name on the Hugging Face hub either", default) from problem
    except LocalEntryNotFoundError:
        pass  # not there yet
    if constants.HF_HUB_OFFLINE or os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "TRUE", "YES", "ON"}:
        raise _not_to_be_had(name, "it is not on disk, and HF_HUB_OFFLINE forbids fetching it", default)
    return _fetched(name, default)


def local_state(name: str) -> str:
    """What tells one state of a model in a local folder from another (its files' names, sizes and times); empty for other names."""
    folder = Path(name).expanduser()
    if not name or not folder.is_dir():
        return ""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        found = path.stat()
        digest.update(f"{path.relative_to(folder)}\0{found.st_size}\0{found.st_mtime_ns}\0".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()[:24]


def _fetched(name: str, default: str) -> Path:
    """Ask the hub once, briefly, before anything that would try again for a minute."""
    from huggingface_hub import HfApi, snapshot_download

    try:
        files = [file.rfilename for file in HfApi().model_info(name, timeout=TIMEOUT).siblings or []]
        weights = [] if any(file.endswith(".safetensors") for file in files) else ["*.bin"]
        return Path(snapshot_download(name, allow_patterns=[*PLAIN_FILES, *weights]))
    except Exception as problem:  # the hub's client raises its own, httpx's and the system's, by version
        raise _not_to_be_had(name, f"it is not on disk and could not be fetched ({_short(problem)})", default) from problem


def _not_to_be_had(name: str, why: str, default: str) -> InputError:
    last = f"leave model={default!r}" if name != default else "take another method"
    return InputError(f"model={name!r}: {why}; give the path of a local folder with the model, connect to the network, or {last}")


def unloadable() -> tuple[type[Exception], ...]:
    """What transformers and torch were seen to raise for a damaged or unsuitable model."""
    from safetensors import SafetensorError

    return (
        OSError, ValueError, ImportError, KeyError, RuntimeError, AttributeError, TypeError, pickle.UnpicklingError,
        SafetensorError,
    )  # fmt: skip


def not_loaded(name: str, problem: BaseException, default: str) -> InputError:
    """Say that a model is there but cannot be used."""
    return InputError(f"model={name!r} cannot be loaded ({_short(problem)}); give another model, or leave model={default!r}")


def _short(problem: BaseException) -> str:
    lines = str(problem).strip().splitlines()
    return f"{type(problem).__name__}: {lines[0][:160]}" if lines else type(problem).__name__


def pick_device(setting: str) -> torch.device:
    """The device a setting means; ``auto`` takes a GPU where there is one.

    Raises
    ------
    InputError
        When a device is named that this machine, or this build of torch, does not have.
    """
    import torch

    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if setting == "auto":
        return torch.device(next(name for name in ("cuda", "mps", "cpu") if there[name]))
    if not there[setting]:
        able = ", ".join(name for name in there if there[name])
        raise InputError(f"device={setting!r}: torch finds no such device here; it finds {able}: take one of them, or auto")
    return torch.device(setting)
