# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import unittest

from table import Measurement, correlation, last_json, number, remarks, render


class TableTests(unittest.TestCase):
    def test_a_result_is_the_last_object_among_other_lines(self) -> None:
        self.assertEqual(last_json('warning\n{"a":1}\n{"a":2}\n{broken\nbye\n'), {"a": 2})

    def test_no_result_says_what_was_found(self) -> None:
        with self.assertRaisesRegex(ValueError, "expected a line of JSON, found 'Killed'"):
            last_json("Killed\n")
        with self.assertRaisesRegex(ValueError, "found nothing"):
            last_json("")

    def test_ratios_are_to_lvt_on_the_same_place(self) -> None:
        table = render([Measurement("t", "lvt", "1 thread", [9, 10, 50]), Measurement("t", "other", "1 thread", [25]),
                        Measurement("t", "worse", "1 thread", [40]),
                        Measurement("t", "lvt", "2 threads", [5]),
                        Measurement("t", "other", "2 threads", [4])], "threads")
        self.assertEqual(table.splitlines(), [
            "| network | threads | lvt | other | worse | best / lvt |",
            "|---|---|---|---|---|---|",
            "| t | 1 thread | 10.0 | 25.0 (2.50) | 40.0 (4.00) | 2.50 |",
            "| t | 2 threads | 5.00 | 4.00 (0.80) |  | 0.80 |"])

    def test_what_failed_is_said(self) -> None:
        failed = Measurement("t", "other", "1 thread", failure="no wheel")
        self.assertIn("| failed | |", render([Measurement("t", "lvt", "1 thread", [1]), failed], "threads"))
        self.assertEqual(remarks([failed]), ["other, t, 1 thread: failed: no wheel"])

    def test_a_peer_with_wrong_results_is_named(self) -> None:
        self.assertEqual(len(remarks([Measurement("t", "other", "1", [1], correlation=0.5)] * 2)), 1)
        self.assertEqual(remarks([Measurement("t", "other", "1", [1], correlation=0.99)]), [])

    def test_correlation(self) -> None:
        self.assertAlmostEqual(correlation([1, 2, 3], [2, 4, 6]), 1)
        self.assertAlmostEqual(correlation([1, 2, 3], [3, 2, 1]), -1)
        self.assertIsNone(correlation([1, 2], [1, 2, 3]))
        self.assertIsNone(correlation([1, 1], [1, 2]))

    def test_numbers_have_three_digits(self) -> None:
        self.assertEqual([number(x) for x in (0.534, 23.04, 471.6, 1552.3)], ["0.53", "23.0", "472", "1552"])


if __name__ == "__main__":
    unittest.main()
