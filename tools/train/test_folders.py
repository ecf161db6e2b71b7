# SPDX-License-Identifier: Apache-2.0
"""Tests of `folders.py`, which need Python alone."""
from __future__ import annotations

import tempfile
import unittest
from pathlib import Path

from folders import Picture, class_folders, keep_readable, list_pictures, split, spread


class FoldersTest(unittest.TestCase):
    def setUp(self) -> None:
        self.temporary = tempfile.TemporaryDirectory()
        self.addCleanup(self.temporary.cleanup)
        self.folder = Path(self.temporary.name)

    def write(self, *paths: str) -> None:
        for path in paths:
            (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / path).touch()

    def test_classes_are_in_the_order_of_bytes(self) -> None:
        self.write("owl/a", "Cat/a", "dog/a", "élan/a", ".git/a", "file")
        self.assertEqual(class_folders(self.folder), ["Cat", "dog", "owl", "élan"])

    def test_hidden_files_are_left_out_and_folders_inside_are_not(self) -> None:
        self.write("cat/b.webp", "cat/.x.jpg", "cat/more/a.png", "cat/.thumbs/a.jpg", "dog/a.txt", "loose.jpg")
        found = list_pictures(self.folder, ["cat", "dog"])
        self.assertEqual([(str(p.path.relative_to(self.folder)), p.label) for p in found],
                         [("cat/b.webp", 0), ("cat/more/a.png", 0), ("dog/a.txt", 1)])

    def test_a_folder_of_no_class_is_refused(self) -> None:
        self.write("cat/a", "gnu/a")
        with self.assertRaisesRegex(ValueError, "a folder 'gnu', expected classes: cat, dog"):
            list_pictures(self.folder, ["cat", "dog"])

    def test_what_cannot_be_read_is_named(self) -> None:
        pictures = [Picture(Path(f"{i}.jpg"), 0) for i in range(30)]
        lines: list[str] = []
        kept = keep_readable(pictures, lambda path: None if len(path.stem) == 1 and path.stem < "4" else "no picture", lines.append)
        self.assertEqual([p.path.name for p in kept], ["0.jpg", "1.jpg", "2.jpg", "3.jpg"])
        self.assertEqual(lines[0], "4.jpg: passed over: no picture")
        self.assertEqual((len(lines), lines[-1]), (21, "passed over 6 more files"))

    def test_every_class_validates(self) -> None:
        pictures = [Picture(self.folder / f"{label}/{i}", label) for label, n in enumerate((20, 2, 1)) for i in range(n)]
        training, validation = split(pictures, self.folder, 0.2, seed=0)
        self.assertEqual([sum(p.label == label for p in validation) for label in range(3)], [4, 1, 0])
        self.assertEqual(sorted(map(str, training + validation)), sorted(map(str, pictures)))
        self.assertEqual(split(list(reversed(pictures)), self.folder, 0.2, seed=0)[1][0].label, 0)

    def test_a_split_depends_on_names_and_seed(self) -> None:
        pictures = [Picture(self.folder / f"cat/{i}", 0) for i in range(50)]
        first = set(split(pictures, self.folder, 0.2, seed=0)[1])
        self.assertEqual(set(split(list(reversed(pictures)), self.folder, 0.2, seed=0)[1]), first)
        self.assertNotEqual(set(split(pictures, self.folder, 0.2, seed=1)[1]), first)

    def test_pictures_are_spread_over_the_classes(self) -> None:
        pictures = [Picture(Path(f"{label}/{i:02}"), label) for label, n in enumerate((30, 1, 5)) for i in range(n)]
        chosen = spread(pictures, 9)
        self.assertEqual([sum(p.label == label for p in chosen) for label in range(3)], [4, 1, 4])
        self.assertEqual(len(spread(pictures, 100)), 36)


if __name__ == "__main__":
    unittest.main()
