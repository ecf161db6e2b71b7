# SPDX-License-Identifier: Apache-2.0
"""The networks that are compared: those of `tools/train`, with weights from a checkpoint or random ones."""
from __future__ import annotations

import sys
from argparse import Namespace
from dataclasses import dataclass
from pathlib import Path

TRAIN = Path(__file__).resolve().parent.parent / "train"
HEADS = (3, 6, 12, 24)


@dataclass(frozen=True)
class RandomNetwork:
    """What `random_checkpoint.py` makes."""
    family: str
    embed: int
    size: int = 224

    def arguments(self) -> list[str]:
        return ["--family", self.family, "--embed", str(self.embed), "--input", str(self.size), "--pictures", "16"]


NETWORKS = {
    "pico": RandomNetwork("dwnet", 32, 96),
    "nano": RandomNetwork("dwnet", 32),
    "dwnet-t": RandomNetwork("dwnet", 96),
    "inhomogeneous-t": RandomNetwork("inhomogeneous_dwnet", 96),
    "dilateformer-t": RandomNetwork("dilateformer", 72),
    "dynamic-t": RandomNetwork("dynamic_dwnet", 96),
    "swin-t": RandomNetwork("swin", 96),
}


def load(checkpoint: Path, size: int):
    """The network of a checkpoint, whose extents are those of its tensors, as a module of PyTorch."""
    sys.path.insert(0, str(TRAIN))
    from families import FAMILIES
    from start import choose, own_names, recognise
    from weights import read_weights

    state = read_weights(checkpoint)
    names = own_names(list(state))
    found = recognise({names[name]: tuple(tensor.shape) for name, tensor in state.items()})
    classes = next(tensor.shape[0] for name, tensor in state.items() if names[name] == "head.weight")
    network = FAMILIES[found.family](Namespace(
        embed=found.embed, depths=found.depths, heads=found.heads or HEADS, window=found.window or 7, input=size,
        classes=classes, group_channels=found.group_channels or 3, drop_path=0.0))
    own = network.state_dict()
    taken = choose({name: tuple(tensor.shape) for name, tensor in state.items()},
                   {name: tuple(tensor.shape) for name, tensor in own.items()})
    missing = [name for name in taken.missing if "num_batches_tracked" not in name
               and not name.endswith(("relative_position_index", "attn_mask"))]
    if missing or not taken.head:
        raise ValueError(f"{checkpoint}: expected '{(missing or ['head.weight'])[0]}' of a {found.family}, found none")
    network.load_state_dict({**own, **{name: state[source] for source, name in taken.names.items()}})
    return network.eval()
