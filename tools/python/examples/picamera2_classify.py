# SPDX-License-Identifier: Apache-2.0
"""python3 picamera2_classify.py MODEL.lvt: labels of what a Raspberry Pi's camera sees, until Ctrl-C."""

import sys

import lvt
from picamera2 import Picamera2

# The small stream has luma and chroma, which the camera makes without work of the processor. Its rows may be padded;
# its colours are JPEG's, as those of the large one, which is RGB.
camera = Picamera2()
camera.configure(camera.create_video_configuration(lores={"size": (640, 480), "format": "YUV420"}))
camera.start()
with lvt.Model(sys.argv[1]) as model:
    while True:
        frame = camera.capture_array("lores")
        best = model.classify(frame, top=1, format="yuv420", width=640, full_range=True)[0]
        print(f"{best.label} {best.probability:.2f}")
