# SPDX-License-Identifier: Apache-2.0
"""What lvt raises."""

import ctypes
from typing import Any

from ._library import lvt


class LVTError(Exception):
    """What is wrong, in one line."""


class PlanError(LVTError):
    """The file cannot be read, is no plan, is damaged or asks for too much work."""


class EngineError(LVTError):
    """There is not the memory, the threads, processors or instruction set that were asked for."""


class FrameError(LVTError, ValueError):
    """The array is no frame of the format, or cannot be read where it is."""


class ResultError(LVTError):
    """The plan has no such result."""


class VerificationError(LVTError):
    """The plan's file was changed, or this machine does not compute what it says."""


# By lvt_status.
_ERRORS = {2: PlanError, 3: EngineError, 4: FrameError, 5: ResultError, 6: VerificationError}


def call(function: Any, *arguments: Any) -> None:
    """Calls a function that ends in a buffer for a message, and raises what it says."""
    message = ctypes.create_string_buffer(1000)
    status = function(*arguments, message, len(message))
    if status:
        raise _ERRORS.get(status, LVTError)(message.value.decode("utf-8", "replace"))
