"""All figures of the five kinds of things in one run, each part side by side with what one would otherwise pick.

    python benchmarks/features.py [series text sound columns pictures] --aeon /tmp/aeon/bin/python [--pictures 200000]

Parts run one after another, each in a process of its own (`benchmarks/features_PART.py`, which can be run alone): none finds a core
or a cache that another has warmed.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from startup import machine

PARTS = ("series", "text", "sound", "columns", "pictures")


def main() -> None:
    """Run the parts."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], default=[])
    parser.add_argument("--aeon", help="the Python of an environment with aeon; without it the series are left out")
    parser.add_argument("--pictures", type=int, default=200_000)
    given = parser.parse_args()
    print(machine())
    more = {"series": ["--aeon", given.aeon or ""], "pictures": ["--n", str(given.pictures), "--set", "input_size=96"]}
    failed = []
    for part in given.parts or PARTS:
        print(f"\n## {part}\n", flush=True)
        if part == "series" and not given.aeon:
            print("left out: --aeon was not given")
            continue
        script = Path(__file__).with_name(f"features_{part}.py")
        if subprocess.run([sys.executable, str(script), *more.get(part, [])]).returncode:
            failed.append(part)
    if failed:
        raise SystemExit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
