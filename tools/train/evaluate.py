# SPDX-License-Identifier: Apache-2.0
"""Float top-1 of a checkpoint on the 10,000 Fashion-MNIST test pictures, and what it sees in single pictures.

With --task detect: AP50 of each class on --data, a JSON file as COCO's. With --task instances: AP50
of masks, too. With --task segment: intersection over union of each class on --data, a folder with pictures/*.jpg and
labels/*.png. The sizes of the network are those of training.
"""
from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from PIL import Image

import train_dense
from data import LABELS, MEAN, STD, load_split, resize_all
from families import add_arguments, add_dense_arguments, build
from train import DEFAULTS, TASKS, top1
from weights import read_weights, write_weights


def normalise_rgb(picture: np.ndarray) -> torch.Tensor:
    x = (picture.astype(np.float32) / 255 - np.float32(MEAN)) / np.float32(STD)
    return torch.from_numpy(x.transpose(2, 0, 1)[None].copy())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="model.safetensors or model.pth")
    parser.add_argument("--task", choices=TASKS, default="classify")
    parser.add_argument("pictures", type=Path, nargs="*", help="pictures to name, in place of the test set")
    add_arguments(parser, embed=24, depths=None, input=None, classes=None)
    add_dense_arguments(parser)
    parser.add_argument("--logits", type=Path, help="write the pictures' logits, as safetensors")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    task = parser.parse_known_args()[0].task
    parser.set_defaults(**{name: DEFAULTS[task].get(name) for name in ("depths", "input", "classes", "data")})
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    if task != "classify":
        try:
            if args.pictures or args.logits:
                raise ValueError(f"--task {task} has neither pictures nor --logits, but --data")
            train_dense.evaluate(args)
        except (ValueError, OSError) as error:
            raise SystemExit(f"evaluate.py: {error}") from None
        return

    model = build(args)
    model.load_state_dict(read_weights(args.model), strict=True)
    model.eval()
    if not args.pictures:
        pictures, labels = load_split(args.data, train=False)
        test = torch.from_numpy(resize_all(pictures, args.input))
        print(f"top-1 {100 * top1(model, test, torch.from_numpy(labels.astype(np.int64))):.2f} %")
        return
    logits = []
    for path in args.pictures:
        with Image.open(path) as picture:
            rgb = picture.convert("RGB").resize((args.input, args.input), Image.BILINEAR)
        with torch.inference_mode():
            logits.append(model(normalise_rgb(np.asarray(rgb)))[0])
        scores = logits[-1].softmax(0)
        best = int(scores.argmax())
        print(f"{path.name}: {LABELS[best] if len(scores) == len(LABELS) else best} {100 * scores[best]:.1f} %")
    if args.logits:
        write_weights(args.logits, {"logits": torch.stack(logits)})


if __name__ == "__main__":
    main()
