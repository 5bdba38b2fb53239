"""A table as people have them, made up: every kind of column, gaps, an identifier, odd names."""

from pathlib import Path

import numpy as np

HEADER = ("Customer ID", "age", "City", "since", "Monthly charges (€)", "Auto pay", "zip", "status")


def rows(num_rows: int, seed: int = 0, num_zips: int = 40) -> list[dict[str, str]]:
    """Rows whose status hangs on age, city, date and automatic payment; gaps are empty."""
    rng = np.random.default_rng(seed)
    cities = np.array(["Berlin", "New York", "São Paulo", "東京"])
    found = []
    for i in range(num_rows):
        age, city = rng.normal(45, 15), int(rng.integers(4))
        day, pays = int(rng.integers(0, 2500)), bool(rng.random() < 0.6)
        score = (age - 45) / 15 + (city == 1) - day / 1250 + pays
        gap = rng.random(6) < 0.08
        cells = (
            f"{100_000 + 7 * i}",
            "" if gap[0] else f"{age:.1f}",
            "" if gap[1] else str(cities[city]),
            "" if gap[2] else str(np.datetime64("2018-01-01") + day),
            "" if gap[3] else f"{1e6 + rng.random() * 100:.4f}",
            "" if gap[4] else ("yes" if pays else "no"),
            f"{int(rng.integers(num_zips)):05d}",
            "has left" if score + rng.normal(0, 0.5) > 0.5 else "stays on",
        )
        found.append(dict(zip(HEADER, cells, strict=True)))
    return found


def write_csv(path: Path, table: list[dict[str, str]], columns: tuple[str, ...] = HEADER) -> Path:
    """As spreadsheets write it: a byte order mark, spaces in the header."""
    lines = [", ".join(columns), *(",".join(row[name] for name in columns) for row in table)]
    path.write_text("\ufeff" + "\n".join(lines) + "\n", encoding="utf-8")
    return path
