# SPDX-License-Identifier: Apache-2.0
"""lvt runs int8 plans of tiny vision networks.

>>> with lvt.Model("model.lvt") as model:
...     for candidate in model.classify(frame, top=3, format="bgr"):
...         print(candidate.label, candidate.probability)
"""

from ._errors import EngineError, FrameError, LVTError, PlanError, ResultError, VerificationError
from ._library import lvt as _lvt
from ._model import Candidate, Detection, Model

__version__: str = _lvt.lvt_version().decode()
__all__ = [
    "Candidate",
    "Detection",
    "EngineError",
    "FrameError",
    "LVTError",
    "Model",
    "PlanError",
    "ResultError",
    "VerificationError",
]
