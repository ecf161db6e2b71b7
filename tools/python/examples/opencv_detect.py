# SPDX-License-Identifier: Apache-2.0
"""python3 opencv_detect.py MODEL.lvt [VIDEO]: shows what a detector finds in a video, or in the first camera's frames."""

import sys

import cv2
import lvt

source = sys.argv[2] if len(sys.argv) > 2 else 0
camera = cv2.VideoCapture(source)
with lvt.Model(sys.argv[1]) as model:
    while True:
        is_there, frame = camera.read()
        if not is_there:
            break
        for found in model.detect(frame, threshold=0.4, format="bgr"):
            corner = (round(found.x), round(found.y))
            opposite = (round(found.x + found.width), round(found.y + found.height))
            cv2.rectangle(frame, corner, opposite, (0, 200, 0), 2)
            cv2.putText(frame, found.label, corner, cv2.FONT_HERSHEY_SIMPLEX, 0.6, (0, 200, 0), 2)
        cv2.imshow("lvt", frame)
        if cv2.waitKey(1) == ord("q"):
            break
