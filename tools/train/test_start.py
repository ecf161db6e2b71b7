# SPDX-License-Identifier: Apache-2.0
"""Tests of `start.py`, which need Python alone: a checkpoint is names and shapes."""
from __future__ import annotations

import unittest

from start import Extents, choose, describe, own_names, recognise


def swin(embed: int = 96, classes: int = 1000, window: int = 7) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {"patch_embed.proj.weight": (embed, 3, 4, 4)}
    for stage, depth in enumerate((2, 2, 6, 2)):
        for block in range(depth):
            start = f"layers.{stage}.blocks.{block}.attn."
            shapes[start + "relative_position_bias_table"] = ((2 * window - 1) ** 2, 3 << stage)
            shapes[start + "qkv.weight"] = (3 * embed << stage, embed << stage)
        if stage < 3:
            shapes[f"layers.{stage}.downsample.reduction.weight"] = (2 * embed << stage, 4 * embed << stage)
    shapes["head.weight"], shapes["head.bias"] = (classes, 8 * embed), (classes,)
    return shapes


class StartTest(unittest.TestCase):
    def test_a_swin_is_recognised(self) -> None:
        self.assertEqual(recognise(swin()), Extents("swin", 96, [2, 2, 6, 2], [3, 6, 12, 24], 7))
        self.assertEqual(recognise(swin(128, window=12)).window, 12)

    def test_dwnets_and_a_dilateformer_are_recognised(self) -> None:
        stem = {"patch_embed.proj.weight": (24, 3, 4, 4)}
        block = "layers.0.blocks.0.attn2conv.conv."
        self.assertEqual(recognise({**stem, block + "weight": (24, 1, 5, 5)}), Extents("dwnet", 24, [1], window=5))
        self.assertEqual(recognise({**stem, block + "conv1.weight": (6, 24, 1, 1), block + "conv2.weight": (24 * 49, 6, 1, 1)}),
                         Extents("dynamic_dwnet", 24, [1], window=7))
        self.assertEqual(recognise({**stem, block + "conv1.0.weight": (6, 24, 1, 1), block + "conv2.0.weight": (8 * 49, 6, 1, 1)}),
                         Extents("inhomogeneous_dwnet", 24, [1], window=7, group_channels=3))
        self.assertEqual(recognise({"stages.0.blocks.1.norm1.weight": (72,), "stages.0.blocks.0.pos_embed.weight": (72, 1, 3, 3)}),
                         Extents("dilateformer", 72, [2]))

    def test_another_network_is_refused(self) -> None:
        with self.assertRaisesRegex(ValueError, "found others, such as 'conv1.weight'"):
            recognise({"conv1.weight": (64, 3, 7, 7)})
        with self.assertRaisesRegex(ValueError, "found none"):
            recognise({})

    def test_wrappings_and_timms_names_are_taken_off(self) -> None:
        self.assertEqual(own_names(["module.backbone.norm.weight"]), {"module.backbone.norm.weight": "norm.weight"})
        self.assertEqual(own_names(["head.fc.weight", "layers.1.downsample.norm.bias"]),
                         {"head.fc.weight": "head.weight", "layers.1.downsample.norm.bias": "layers.0.downsample.norm.bias"})
        self.assertEqual(own_names(["head.weight", "layers.1.downsample.norm.bias"])["layers.1.downsample.norm.bias"],
                         "layers.1.downsample.norm.bias")

    def test_the_head_is_taken_where_the_classes_are_as_many(self) -> None:
        taken = choose(swin(), swin())
        self.assertTrue(taken.head)
        self.assertEqual((len(taken.names), taken.others, taken.missing), (len(swin()), [], []))

    def test_another_number_of_classes_begins_a_new_head(self) -> None:
        taken = choose({**swin(), "layers.0.blocks.1.attn_mask": (64, 49, 49), "extra": (1,)}, swin(classes=5))
        self.assertFalse(taken.head)
        self.assertEqual((len(taken.names), taken.others, taken.missing), (len(swin()) - 2, ["extra"], []))
        self.assertEqual(describe(taken), f"{len(swin()) - 2} tensors taken, the head not: it begins anew, for it is of "
                         "other classes; 1 not taken, such as 'extra'")

    def test_what_is_missing_is_said(self) -> None:
        part = {name: shape for name, shape in swin().items() if not name.startswith("layers.3.")}
        self.assertIn("4 of the network not found, such as 'layers.3.blocks.0.attn.", describe(choose(part, swin())))


if __name__ == "__main__":
    unittest.main()
