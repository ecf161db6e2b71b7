# SPDX-License-Identifier: Apache-2.0
"""Writes the demo's JPEGs: a few test pictures named by what they show, and training pictures for calibration.

Test pictures: the first of each class in the test set, then the second of each, until --count. Calibration:
a seeded random choice from the training set. Neither looks at what any network says about them.
"""
from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

from data import DEFAULT_FOLDER, LABELS, load_split


def write_jpeg(path: Path, grey: np.ndarray, size: int, quality: int, rgb: bool) -> None:
    picture = Image.fromarray(grey).resize((size, size), Image.BILINEAR)
    # Both kinds of JPEG occur in the field, so the demo has both: one component, and three with subsampled chroma.
    if rgb:
        picture = picture.convert("RGB")
    picture.save(path, quality=quality, optimize=True)


def slug(label: str) -> str:
    return label.lower().replace("/", "-").replace(" ", "-")


def write_tests(folder: Path, data: Path, count: int, size: int, quality: int) -> None:
    pictures, labels = load_split(data, train=False)
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(count):
        turn, label = divmod(i, len(LABELS))
        index = np.flatnonzero(labels == label)[turn]
        path = folder / f"{slug(LABELS[label])}-{turn + 1}.jpg"
        write_jpeg(path, pictures[index], size, quality, rgb=i % 2 == 1)
        print(f"{path.name}: test picture {index}")


def write_calibration(folder: Path, data: Path, count: int, size: int, quality: int, seed: int) -> None:
    pictures, _ = load_split(data, train=True)
    folder.mkdir(parents=True, exist_ok=True)
    chosen = np.random.default_rng(seed).choice(len(pictures), count, replace=False)
    for i, index in enumerate(chosen):
        write_jpeg(folder / f"{i:03d}.jpg", pictures[index], size, quality, rgb=i % 2 == 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=Path, help="folder for test pictures")
    parser.add_argument("--count", type=int, default=12, help="how many test pictures")
    parser.add_argument("--calibration", type=Path, help="folder for training pictures")
    parser.add_argument("--calibration-count", type=int, default=64)
    parser.add_argument("--labels", type=Path, help="file for the class names, one per line")
    parser.add_argument("--size", type=int, default=112)
    parser.add_argument("--quality", type=int, default=85)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data", type=Path, default=DEFAULT_FOLDER)
    args = parser.parse_args()
    if args.labels:
        args.labels.write_text("".join(f"{label}\n" for label in LABELS))
    if args.pictures:
        write_tests(args.pictures, args.data, args.count, args.size, args.quality)
    if args.calibration:
        write_calibration(
            args.calibration, args.data, args.calibration_count, args.size, args.quality, args.seed)


if __name__ == "__main__":
    main()
