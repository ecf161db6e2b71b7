# SPDX-License-Identifier: Apache-2.0
"""lvt.Model."""

import ctypes
import os
import threading
from typing import Any, Dict, List, NamedTuple, Optional, Tuple, Union

import numpy

from . import _frames, _library
from ._errors import LVTError, ResultError, call
from ._library import lvt


class Candidate(NamedTuple):
    """A class with its share of the softmax over all classes."""

    index: int
    label: str
    probability: float


class Detection(NamedTuple):
    """An object: its class, its score of 0 ... 1, and its box in the frame's pixels, from the left upper corner.

    ``mask`` says which of the frame's pixels belong to it, height × width of bool, where masks were asked for.
    """

    index: int
    label: str
    score: float
    x: float
    y: float
    width: float
    height: float
    mask: Optional[numpy.ndarray] = None


_TASKS = {
    _library.CLASSES: "classify",
    _library.DETECTIONS: "detect",
    _library.PIXEL_CLASSES: "segment",
    _library.MAP: "features",
}
_TYPES = {1: numpy.int8, 2: numpy.float32, 3: numpy.int16, 4: numpy.uint8}


class Model:
    """A plan with the memory and the threads that run it.

    ``plan`` is the path of a plan file, or its bytes. The options are those of ``lvt_options`` in lvt.h: ``threads``
    0 is what is best here; ``processors`` such as ``"4-7"`` are where the threads run, each on one of them if
    ``pinned``, and ``"fastest"`` is the fastest kind; ``isa`` is an instruction set; ``work`` the most
    multiplications of a run.

    Frames are NumPy arrays of uint8, read where they are; rows may have space between them. ``format`` says what the
    bytes are: ``rgb``, ``bgr`` (OpenCV), ``rgba``, ``bgra`` (height × width × channels), ``grey`` (height × width),
    ``yuyv``, ``uyvy`` (height × width × 2), ``yuv420``, ``nv12``, ``nv21`` (height · 3/2 × bytes of a row). ``width``
    is the picture's where such rows are padded. ``matrix`` (``bt601``, ``bt709``) and ``full_range`` are of luma and
    chroma.

    Python's other threads run while the network does. Threads that call one model wait for each other.
    """

    def __init__(
        self,
        plan: Union[str, "os.PathLike[str]", bytes],
        *,
        threads: int = 0,
        processors: Optional[str] = None,
        pinned: bool = False,
        isa: Optional[str] = None,
        work: int = 0,
    ) -> None:
        self._handle = ctypes.c_void_p()
        self._lock = threading.Lock()
        # ctypes would cut them to size without a word.
        if not (-(2**31) <= threads < 2**31 and 0 <= work < 2**64):
            raise ValueError(f"expected numbers of threads and of multiplications, found {threads} and {work}")
        options = _library.Options(
            ctypes.sizeof(_library.Options), threads, _library.INHERITED, None, isa.encode() if isa else None, work
        )
        if processors == "fastest":
            options.affinity = _library.FASTEST
        elif processors is not None:
            options.affinity = _library.PINNED if pinned else _library.SHARED
            options.processors = processors.encode()
        if isinstance(plan, bytes):
            call(lvt.lvt_model_open_bytes, plan, len(plan), options, self._handle)
        else:
            path = os.fsencode(plan)
            if b"\0" in path:
                raise ValueError("a zero byte in a path")
            call(lvt.lvt_model_open, path, options, self._handle)
        handle = self._handle
        #: Width and height of the network's input, to which frames are resized.
        self.input_size: Tuple[int, int] = (lvt.lvt_model_input_width(handle), lvt.lvt_model_input_height(handle))
        #: The method that the plan is for: "classify", "detect", "segment" or "features".
        self.task: str = _TASKS[lvt.lvt_model_task(handle)]
        #: Threads, the calling one included.
        self.threads: int = lvt.lvt_model_threads(handle)
        #: The instruction set that is used.
        self.isa: str = lvt.lvt_model_isa(handle).decode()
        #: The classes' names.
        self.labels: List[str] = [
            _text(lvt.lvt_model_label(handle, i)) for i in range(lvt.lvt_model_class_count(handle))
        ]

    def close(self) -> None:
        """Stops the threads and frees the memory; a model that is closed cannot be used."""
        with self._lock:
            handle, self._handle = self._handle, ctypes.c_void_p()
            lvt.lvt_model_close(handle)

    def __enter__(self) -> "Model":
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_handle", None):
            self.close()

    def verify(self) -> None:
        """Raises VerificationError unless the plan is whole and this machine computes what it says."""
        with self._lock:
            call(lvt.lvt_model_verify, self._open())

    def place_thread(self) -> None:
        """Restricts the calling thread, which works too when it runs a frame, to the model's processors."""
        with self._lock:
            call(lvt.lvt_model_place_thread, self._open())

    def classify(
        self,
        frame: numpy.ndarray,
        top: int = 5,
        *,
        format: str = "rgb",
        width: Optional[int] = None,
        matrix: str = "bt601",
        full_range: bool = False,
    ) -> List[Candidate]:
        """The likeliest classes of a frame, likeliest first."""
        with self._lock:
            self._expect(_library.CLASSES, "classes")
            self._run(frame, format, width, matrix, full_range)
            found = (_library.Candidate * max(0, min(top, len(self.labels))))()
            count = lvt.lvt_model_top(self._handle, found, len(found))
            return [Candidate(c.index, self.labels[c.index], c.probability) for c in found[:count]]

    def detect(
        self,
        frame: numpy.ndarray,
        threshold: float = 0.3,
        *,
        masks: bool = False,
        format: str = "rgb",
        width: Optional[int] = None,
        matrix: str = "bt601",
        full_range: bool = False,
    ) -> List[Detection]:
        """The objects in a frame with scores of at least the threshold, best first.

        With ``masks`` each has its pixels, of a plan that has them.
        """
        with self._lock:
            most = self._expect(_library.DETECTIONS, "objects").width
            if masks:
                self._expect(_library.MASKS, "masks")
            picture = self._run(frame, format, width, matrix, full_range)
            found = (_library.Detection * most)()
            count = lvt.lvt_model_detections(self._handle, threshold, found, most)
            return [
                Detection(
                    d.index, self.labels[d.index], d.score, d.x, d.y, d.width, d.height,
                    self._mask(threshold, i, picture) if masks else None,
                )
                for i, d in enumerate(found[:count])
            ]

    def segment(
        self,
        frame: numpy.ndarray,
        *,
        format: str = "rgb",
        width: Optional[int] = None,
        matrix: str = "bt601",
        full_range: bool = False,
    ) -> numpy.ndarray:
        """The class of each of a frame's pixels: height × width of uint8; 255 is what the network did not see."""
        with self._lock:
            self._expect(_library.PIXEL_CLASSES, "classes of pixels")
            picture = self._run(frame, format, width, matrix, full_range)
            labels = numpy.empty((picture.height, picture.width), numpy.uint8)
            if lvt.lvt_model_label_map(self._handle, _room(labels), labels.size, 0):
                raise ResultError("there is no label map")
            return labels

    def features(
        self,
        frame: numpy.ndarray,
        *,
        format: str = "rgb",
        width: Optional[int] = None,
        matrix: str = "bt601",
        full_range: bool = False,
    ) -> Dict[str, numpy.ndarray]:
        """All of the plan's results by name, as real numbers: height × width × channels of float32."""
        with self._lock:
            self._run(frame, format, width, matrix, full_range)
            return {_text(output.name): _values(output) for output in self._outputs()}

    def _open(self) -> ctypes.c_void_p:
        if not self._handle:
            raise LVTError("the model is closed")
        return self._handle

    def _run(
        self, array: numpy.ndarray, format: str, width: Optional[int], matrix: str, full_range: bool
    ) -> _library.Frame:
        picture = _frames.frame(array, format, width, matrix, full_range)
        call(lvt.lvt_model_classify, self._open(), picture)
        return picture

    def _mask(self, threshold: float, index: int, picture: _library.Frame) -> numpy.ndarray:
        """The pixels of an object of the last run."""
        mask = numpy.empty((picture.height, picture.width), numpy.uint8)
        if lvt.lvt_model_mask(self._handle, threshold, index, _room(mask), mask.size, 0):
            raise ResultError("there is no such mask")
        return mask.view(numpy.bool_)

    def _outputs(self) -> List[_library.Output]:
        outputs = [_library.Output() for _ in range(lvt.lvt_model_output_count(self._open()))]
        for index, output in enumerate(outputs):
            lvt.lvt_model_output(self._handle, index, output)
        return outputs

    def _expect(self, kind: int, name: str) -> _library.Output:
        """The result of a kind, before anything runs."""
        for output in self._outputs():
            if output.kind == kind:
                return output
        raise ResultError(f"the plan has no {name}; it is for {self.task}()")


def _room(array: numpy.ndarray) -> Any:
    """The memory of an array of uint8, as lvt.h writes it."""
    return array.ctypes.data_as(ctypes.POINTER(ctypes.c_uint8))


def _text(string: bytes) -> str:
    return string.decode("utf-8", "replace")


def _values(output: _library.Output) -> numpy.ndarray:
    """A copy of a result as real numbers."""
    positions = output.height * output.width
    item = numpy.dtype(_TYPES[output.type])
    memory = (ctypes.c_uint8 * ((positions - 1) * output.pitch + output.channels * item.itemsize)).from_address(
        output.values
    )
    stored = numpy.ndarray(
        (output.height, output.width, output.channels),
        item,
        memory,
        strides=(output.width * output.pitch, output.pitch, item.itemsize),
    )
    if item == numpy.float32:
        return stored.copy()
    return (stored.astype(numpy.int32) - output.zero_point).astype(numpy.float32) * numpy.float32(output.scale)
