# SPDX-License-Identifier: Apache-2.0
"""NumPy arrays as frames of lvt.h, where they are."""

from typing import Dict, NamedTuple, Optional

import numpy

from ._errors import FrameError
from ._library import Frame


class _Format(NamedTuple):
    number: int  # lvt_format
    channels: int  # bytes of a pixel, the array's last axis; 1 for an array of two axes
    # An array of 3/2 of the picture's rows holds the planes, luma first.
    has_planes: bool = False


_FORMATS: Dict[str, _Format] = {
    "rgb": _Format(0, 3),
    "bgr": _Format(7, 3),
    "rgba": _Format(8, 4),
    "bgra": _Format(9, 4),
    "grey": _Format(1, 1),
    "yuyv": _Format(2, 2),
    "uyvy": _Format(3, 2),
    "nv12": _Format(4, 1, True),
    "nv21": _Format(5, 1, True),
    "yuv420": _Format(6, 1, True),
}
_MATRICES = {"bt601": 0, "bt709": 1}


def frame(
    array: numpy.ndarray, format: str, width: Optional[int], matrix: str, full_range: bool
) -> Frame:
    """The frame that an array's memory is; valid while the array lives."""
    if not isinstance(array, numpy.ndarray):
        raise TypeError(f"expected a NumPy array, found {type(array).__name__}")
    if format not in _FORMATS:
        raise FrameError(f"format: expected one of {', '.join(_FORMATS)}, found {format!r}")
    if matrix not in _MATRICES:
        raise FrameError(f"matrix: expected bt601 or bt709, found {matrix!r}")
    if array.dtype != numpy.uint8:
        raise FrameError(f"expected an array of uint8, found {array.dtype}")
    number, channels, has_planes = _FORMATS[format]
    shape = array.shape
    if channels == 1 and len(shape) == 3 and shape[2] == 1:
        array = array[:, :, 0]
    expected = 2 if channels == 1 else 3
    if array.ndim != expected or channels > 1 and shape[2] != channels:
        axes = "(height, width)" if channels == 1 else f"(height, width, {channels})"
        raise FrameError(f"expected an array of shape {axes} for {format!r}, found {shape}")
    if not all(1 <= side < 1 << 17 for side in shape):
        raise FrameError(f"an array of shape {shape} is no picture; sides of 1 ... 65535 pixels are possible")
    rows, columns = array.shape[:2]
    stride = array.strides[0] if rows > 1 else columns * channels
    # Pixels of a row must follow each other, and rows must go downwards without overlapping.
    if (
        array.strides[-1] != 1 and array.shape[-1] > 1
        or channels > 1 and array.strides[1] != channels and columns > 1
        or stride < columns * channels
    ):
        raise FrameError(
            f"an array of strides {array.strides} cannot be read where it is; numpy.ascontiguousarray copies it"
        )
    height = rows
    if has_planes:
        # The chroma behind the luma has rows of half the length, so a view of some columns is another picture.
        if rows % 3 or stride != columns:
            raise FrameError(
                f"{format!r}: expected an array of 3/2 of an even number of rows, all of each row's bytes, "
                f"found shape {shape} and strides {array.strides}"
            )
        height = rows // 3 * 2
    byte_count = (rows - 1) * stride + columns * channels
    if width is not None:
        if not 0 < width <= columns:
            raise FrameError(f"width: expected 1 ... {columns}, found {width}")
        columns = width
    return Frame(
        array.ctypes.data, byte_count, number, columns, height, stride, bool(full_range), _MATRICES[matrix]
    )
