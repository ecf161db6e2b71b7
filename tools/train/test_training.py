# SPDX-License-Identifier: Apache-2.0
"""Trains a tiny network on a few pictures and compiles it, with PyTorch; skipped where there is none.

LVT_PLAN names lvt-plan, if it is not in .build/release or PATH.
"""
from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

HERE = Path(__file__).parent
NEEDED = ("torch", "numpy", "PIL")
MISSING = [name for name in NEEDED if importlib.util.find_spec(name) is None]
TINY = ["--embed", "8", "--depths", "1", "1", "1", "1", "--window", "3", "--input", "32", "--batch", "8"]


@unittest.skipIf(bool(MISSING), f"needs {', '.join(MISSING)}")
class TrainingTest(unittest.TestCase):
    def setUp(self) -> None:
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)
        self.write_pictures()

    def write_pictures(self) -> None:
        """Red and blue pictures in several formats, and a file that is none."""
        from PIL import Image
        for label, colour in (("blue", (20, 30, 200)), ("red", (200, 30, 20))):
            for i in range(12):
                path = self.folder / "photos" / label / f"{i}.{('jpg', 'png', 'webp', 'gif')[i % 4]}"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.new("RGB", (40 + i, 50), tuple(c + 4 * i for c in colour)).save(path)
        (self.folder / "photos" / "red" / "notes.txt").write_text("no picture")

    def start(self, *options: str) -> subprocess.Popen:
        return subprocess.Popen(
            [sys.executable, HERE / "train.py", "--data", self.folder / "photos", "--output", self.folder / "m.safetensors",
             *options], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def run_to_its_end(self, *options: str) -> str:
        process = self.start(*options)
        text, _ = process.communicate(timeout=300)
        self.assertEqual(process.returncode, 0, text)
        return text

    def test_from_nothing_to_a_plan_and_from_there_to_other_classes(self) -> None:
        planner = os.environ.get("LVT_PLAN")
        text = self.run_to_its_end(*TINY, "--epochs", "4", "--compile", str(self.folder / "m.lvt"),
                                   *(["--lvt-plan", planner] if planner else []))
        self.assertIn("notes.txt: passed over: no picture that PIL reads", text)
        self.assertIn("20 pictures of 2 classes to train on, 4 to validate with", text)
        self.assertEqual((self.folder / "m.labels.txt").read_text(), "blue\nred\n")
        self.assertIn("evaluation.pictures: 4", text)
        self.assertTrue((self.folder / "m.lvt").read_bytes().startswith(b"LVTPLAN"))

        (self.folder / "m.safetensors").rename(self.folder / "first.safetensors")
        (self.folder / "photos" / "green").mkdir()
        for path in (self.folder / "photos" / "red").glob("*.png"):
            (self.folder / "photos" / "green" / path.name).write_bytes(path.read_bytes())
        text = self.run_to_its_end("--from", str(self.folder / "first.safetensors"), "--input", "32", "--epochs", "1")
        self.assertIn("the head not: it begins anew", text)
        self.assertIn("dwnet: ", text)

    def test_ctrl_c_leaves_the_best_so_far(self) -> None:
        process = self.start(*TINY, "--epochs", "100000")
        lines = []
        for line in process.stdout:
            lines.append(line)
            if line.startswith("epoch 2/"):
                break
        process.send_signal(signal.SIGINT)
        begin = time.monotonic()
        rest = process.stdout.read()
        self.assertEqual(process.wait(timeout=60), 0, "".join(lines) + rest)
        self.assertLess(time.monotonic() - begin, 60)
        self.assertIn("ends after this step", rest)
        process.stdout.close()
        self.assertTrue((self.folder / "m.safetensors").exists())


if __name__ == "__main__":
    unittest.main()
