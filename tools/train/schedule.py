# SPDX-License-Identifier: Apache-2.0
"""What all training here shares: which parameters decay, and how the learning rate goes up and down."""
from __future__ import annotations

import math

from torch import nn


def parameter_groups(model: nn.Module, decay: float) -> list[dict]:
    """Biases and normalisation parameters are not decayed."""
    matrices = [p for p in model.parameters() if p.ndim > 1]
    vectors = [p for p in model.parameters() if p.ndim <= 1]
    return [{"params": matrices, "weight_decay": decay}, {"params": vectors, "weight_decay": 0.0}]


def learning_rate(step: int, steps: int, warmup: int, peak: float) -> float:
    if step < warmup:
        return peak * (step + 1) / warmup
    done = (step - warmup) / max(steps - warmup, 1)
    return peak * 0.5 * (1 + math.cos(math.pi * done))
