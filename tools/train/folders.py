# SPDX-License-Identifier: Apache-2.0
"""Pictures in folders named by class: which there are, and which of them validate.

Needs Python alone, so that its tests do (`test_folders.py`).
"""
from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Sequence

READ_BY_PLAN = (".jpg", ".jpeg", ".png", ".ppm", ".pgm")
"""Endings of the files that lvt-plan reads itself."""


@dataclass(frozen=True)
class Picture:
    path: Path
    label: int


def class_folders(folder: Path) -> list[str]:
    """The classes: names of the folders inside, in the order of torchvision's ImageFolder and of lvt-plan."""
    try:
        names = [entry.name for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith(".")]
    except OSError as error:
        raise ValueError(f"{folder}: {error.strerror}") from None
    names.sort(key=lambda name: name.encode("utf-8", "surrogateescape"))
    return names


def list_pictures(folder: Path, names: Sequence[str]) -> list[Picture]:
    """All files but hidden ones, of folders inside the classes' folders too; whether they are pictures is not known yet.

    A folder that is none of the classes is an error, a class without a folder is not: a small validation set may
    lack it.
    """
    found = class_folders(folder)
    strange = [name for name in found if name not in names]
    if strange:
        raise ValueError(f"{folder}: a folder '{strange[0]}', expected classes: {', '.join(names)}")
    pictures = []
    for name in found:
        for path in sorted((folder / name).rglob("*")):
            inside = path.relative_to(folder).parts
            if path.is_file() and not any(part.startswith(".") for part in inside):
                pictures.append(Picture(path, names.index(name)))
    return pictures


def keep_readable(pictures: Sequence[Picture], why_not: Callable[[Path], str | None],
                  report: Callable[[str], None]) -> list[Picture]:
    """Names the files that cannot be read and passes over them: the first of them each, then how many more."""
    kept, refused = [], 0
    for picture in pictures:
        reason = why_not(picture.path)
        if reason is None:
            kept.append(picture)
            continue
        refused += 1
        if refused <= 20:
            report(f"{picture.path}: passed over: {reason}")
    if refused > 20:
        report(f"passed over {refused - 20} more files")
    return kept


def split(pictures: Sequence[Picture], folder: Path, share: float, seed: int) -> tuple[list[Picture], list[Picture]]:
    """Training and validation pictures, about `share` of each class for the latter, at least one where there are two.

    Which they are depends on the pictures' names and the seed alone, so that pictures that are added later do not
    move the others from one side to the other.
    """
    def place(picture: Picture) -> bytes:
        name = picture.path.relative_to(folder).as_posix().encode("utf-8", "surrogateescape")
        return hashlib.sha256(str(seed).encode() + b"/" + name).digest()

    training: list[Picture] = []
    validation: list[Picture] = []
    for label in sorted({picture.label for picture in pictures}):
        of_class = [picture for picture in pictures if picture.label == label]
        # A fixed threshold would move nothing when pictures come, but could leave a small class without validation.
        count = min(max(1, round(share * len(of_class))), len(of_class) - 1)
        chosen = set(sorted(of_class, key=place)[:count])
        training += [picture for picture in of_class if picture not in chosen]
        validation += [picture for picture in of_class if picture in chosen]
    return training, validation


def spread(pictures: Sequence[Picture], most: int) -> list[Picture]:
    """At most so many pictures, as many of each class as of the others, as far as they have them."""
    groups = [[p for p in pictures if p.label == label] for label in sorted({p.label for p in pictures})]
    chosen: list[Picture] = []
    turn = 0
    while len(chosen) < min(most, len(pictures)):
        for group in groups:
            if turn < len(group) and len(chosen) < most:
                chosen.append(group[turn])
        turn += 1
    return sorted(chosen, key=lambda picture: (picture.label, str(picture.path)))
