# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import subprocess
import sys
import unittest
from pathlib import Path

COMPARE = Path(__file__).with_name("compare")


class ArgumentTests(unittest.TestCase):
    def test_a_wrong_argument_is_one_line_and_64(self) -> None:
        for arguments, expected in [
                (["nowhere"], "or a checkpoint's file, found 'nowhere'"),
                ([f"{COMPARE}@4"], "expected 32 … 2048 behind '@', found '4'"),
                (["pico", "--threads", "0"], "expected numbers of 1 … 64, found '0'"),
                (["pico", "--threads", "x"], "expected numbers of 1 … 64, found 'x'"),
                (["pico", "--seconds", "0"], "expected 0.05 … 60 seconds, found '0'"),
                (["pico", "--runtimes", "tvm"], "found 'tvm'"),
                ([], "the following arguments are required: NETWORK")]:
            done = subprocess.run([sys.executable, COMPARE, *arguments], capture_output=True, text=True)
            self.assertEqual((done.returncode, done.stdout), (64, ""), arguments)
            self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
            self.assertIn(expected, done.stderr)


if __name__ == "__main__":
    unittest.main()
