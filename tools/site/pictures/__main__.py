"""Draws the pictures that are named, or all."""

import sys
import time
from pathlib import Path

from kmlp.files import write_atomically
from tools.site.pictures import errors, learning, seeds

FOLDER = Path(__file__).parents[3] / "docs" / "pictures"
PICTURES = {**seeds.PICTURES, **errors.PICTURES, **learning.PICTURES}


def main(names: list[str]) -> None:
    """Writes `docs/pictures/NAME.svg` of each."""
    for name in names or PICTURES:
        began = time.perf_counter()
        picture = PICTURES[name]()
        write_atomically(FOLDER / f"{name}.svg", picture.svg(name).encode())
        print(f"{name} ({time.perf_counter() - began:.0f} s): {picture.alt}")


if __name__ == "__main__":
    main(sys.argv[1:])
