# SPDX-License-Identifier: Apache-2.0
"""Tests of Mask R-CNN and its cascade; skipped without PyTorch, torchvision or pycocotools."""
from __future__ import annotations

import argparse
import importlib.util
import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).parent
NEEDED = ("torch", "torchvision", "pycocotools", "numpy", "PIL")
MISSING = [name for name in NEEDED if importlib.util.find_spec(name) is None]
SIZES = {"family": "dwnet", "embed": 8, "depths": [1, 1, 1, 1], "window": 3, "channels": 16, "convs": 2, "fc": 24,
         "group_channels": 3, "drop_path": 0.0}
TINY = ["--embed", "8", "--depths", "1", "1", "1", "1", "--window", "3", "--input", "64x64", "--channels", "16",
        "--fc", "24"]


@unittest.skipIf(bool(MISSING), f"needs {', '.join(MISSING)}")
class InstancesTest(unittest.TestCase):
    def setUp(self) -> None:
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)

    def write_pictures(self, count: int) -> Path:
        """Bright squares on black, as polygons and as run lengths of both kinds."""
        from PIL import Image
        images, annotations = [], []
        for i in range(count):
            x, y, side = 4 + 3 * i, 20 - i, 24 + i
            picture = Image.new("RGB", (64, 64))
            picture.paste((250, 200, 40), (x, y, x + side, y + side))
            picture.save(self.folder / f"{i}.png")
            images.append({"id": 10 + i, "file_name": f"{i}.png", "width": 64, "height": 64})
            counts = [64 * x + y] + [side, 64 - side] * side
            counts[-1] = 64 * 64 - sum(counts[:-1])
            forms = [[[x, y, x + side, y, x + side, y + side, x, y + side]], {"size": [64, 64], "counts": counts}]
            annotations.append({"id": i + 1, "image_id": 10 + i, "category_id": 7, "bbox": [x, y, side, side],
                                "area": side * side, "iscrowd": 0, "segmentation": forms[i % 2]})
        path = self.folder / "coco.json"
        path.write_text(json.dumps({"images": images, "annotations": annotations,
                                    "categories": [{"id": 7, "name": "square"}]}))
        return path

    def shapes(self, head: str) -> dict[str, tuple[int, ...]]:
        import dense
        model = dense.build(argparse.Namespace(**SIZES, task="instances", head=head, input=(64, 64), classes=3))
        return {name: tuple(tensor.shape) for name, tensor in model.state_dict().items() if "backbone" not in name}

    def test_tensors_have_mmdetections_names_and_shapes(self) -> None:
        both = {"rpn_head.rpn_conv": (16, 16, 3, 3), "rpn_head.rpn_cls": (3, 16, 1, 1), "rpn_head.rpn_reg": (12, 16, 1, 1)}
        for i in range(4):
            both[f"neck.lateral_convs.{i}.conv"] = (16, 8 << i, 1, 1)
            both[f"neck.fpn_convs.{i}.conv"] = (16, 16, 3, 3)

        def masks(prefix: str) -> dict[str, tuple[int, ...]]:
            return {**{f"{prefix}.convs.{i}.conv": (16, 16, 3, 3) for i in range(2)},
                    f"{prefix}.upsample": (16, 16, 2, 2), f"{prefix}.conv_logits": (3, 16, 1, 1)}

        boxes, head = "roi_head.bbox_head", "roi_head.mask_head"
        expected = {**both, **masks(head), f"{boxes}.fc_cls": (4, 24), f"{boxes}.fc_reg": (12, 24),
                    f"{boxes}.shared_fcs.0": (24, 16 * 49), f"{boxes}.shared_fcs.1": (24, 24)}
        found = self.shapes("mask")
        self.assertEqual({n[:-len(".weight")]: s for n, s in found.items() if n.endswith(".weight")}, expected)
        self.assertEqual({n for n in found if not n.endswith(".weight")}, {f"{n}.bias" for n in expected})

        expected = dict(both)
        for stage in range(3):
            expected.update(masks(f"{head}.{stage}"))
            prefix = f"{boxes}.{stage}"
            expected.update({f"{prefix}.fc_cls": (4, 24), f"{prefix}.fc_reg": (12, 24), f"{prefix}.shared_fcs.0": (24, 16 * 49)})
            for i in range(4):
                expected[f"{prefix}.shared_convs.{i}.conv"] = (16, 16, 3, 3)
                expected[f"{prefix}.shared_convs.{i}.bn"] = (16,)
        found = self.shapes("cascade")
        self.assertEqual({n[:-len(".weight")]: s for n, s in found.items() if n.endswith(".weight")}, expected)
        self.assertNotIn(f"{boxes}.0.shared_convs.0.conv.bias", found)

    def test_masks_of_all_forms_are_read_and_perfect_answers_score_1(self) -> None:
        import torch
        from dense_data import read_boxes
        from instances import figures, found_in, read_mask, unpack
        path = self.write_pictures(4)
        samples = read_boxes(path, (64, 64), read_mask=read_mask)
        masks = unpack(samples.masks, 64)
        results = []
        for i in range(4):
            x, y, side = 4 + 3 * i, 20 - i, 24 + i
            expected = torch.zeros(64, 64, dtype=torch.uint8)
            expected[y:y + side, x:x + side] = 1
            self.assertTrue(torch.equal(masks[i, 0], expected))
            found = torch.tensor([[x, y, x + side, y + side, 0.9, 0.0]])
            results += found_in(samples.entries[i], found, torch.ones(1, 28, 28), samples.numbers, (64, 64))
        numbers = [entry["id"] for entry in samples.entries]
        for scores in figures(path, results, numbers).values():
            self.assertAlmostEqual(scores[0], 1.0)
        self.assertLess(figures(path, results[:2], numbers)["mask AP50"][0], 0.6)

    def run_tool(self, tool: str, *options: str | Path) -> str:
        result = subprocess.run(
            [sys.executable, HERE / tool, "--task", "instances", "--threads", "1", *TINY, *options],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300)
        self.assertEqual(result.returncode, 0, result.stdout)
        return result.stdout

    def test_training_ends_with_what_evaluation_says(self) -> None:
        path, output = self.write_pictures(4), self.folder / "m.safetensors"
        lines = self.run_tool("train.py", "--data", path, "--test", path, "--epochs", "2", "--batch", "2",
                              "--output", output).splitlines()
        self.assertEqual((self.folder / "m.labels.txt").read_text(), "square\n")
        text = self.run_tool("evaluate.py", "--data", path, output)
        for measure in ("mask AP50", "box AP50"):
            said = [line for line in text.splitlines() if line.startswith(measure)]
            self.assertEqual(len(said), 1, text)
            self.assertIn(said[0][:-len(" on 4 pictures")], lines[-1])

    def test_both_networks_learn(self) -> None:
        import dense
        import torch
        from dense_data import normalise, read_boxes
        from instances import loss, read_mask, unpack
        from two_stage import detect
        torch.set_num_threads(1)
        samples = read_boxes(self.write_pictures(4), (64, 64), read_mask=read_mask)
        x, masks = normalise(samples.pictures), unpack(samples.masks, 64).float()
        for head in ("mask", "cascade"):
            torch.manual_seed(1)
            model = dense.build(argparse.Namespace(**SIZES, task="instances", head=head, input=(64, 64), classes=1))
            optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
            losses = []
            for _ in range(12):
                losses.append(loss(model, x, samples.boxes, samples.labels, masks))
                optimizer.zero_grad()
                losses[-1].backward()
                optimizer.step()
            self.assertTrue(all(p.grad is not None for p in model.parameters()))
            self.assertLess(float(losses[-1]), 0.7 * float(losses[0]))
            for found, maps in detect(model.eval(), x):
                self.assertEqual(tuple(maps.shape), (len(found), 28, 28))
                self.assertTrue(bool((found[:, :4] >= 0).all() and (found[:, :4] <= 64).all()))


if __name__ == "__main__":
    unittest.main()
