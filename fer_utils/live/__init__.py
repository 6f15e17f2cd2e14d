"""Live: frames in, faces found and labelled, drawn, written; one short pipeline.

A label is a *perceived expression label*, never a statement about what a person feels.
Nothing is recorded unless a sink is asked to.
"""

from __future__ import annotations

import importlib
import os

# OpenCV reads it once, when it first meets a video: FFmpeg's own messages say nothing
# that ours do not say better.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")

# No submodule has the name of a public function: importing it would hide the function.
_HOME = {
    # Sources
    "Frame": "frames",
    "ImageFiles": "sources",
    "InMemory": "sources",
    "Screen": "sources",
    "Source": "frames",
    "Threaded": "reading_ahead",
    "VideoFile": "sources",
    "Webcam": "sources",
    "image_files": "sources",
    "in_memory": "sources",
    "threaded": "reading_ahead",
    # Detecting, predicting
    "Center": "detectors",
    "Detections": "detectors",
    "Detector": "detectors",
    "Face": "pipeline",
    "Haar": "detectors",
    "Pipeline": "pipeline",
    "Predictor": "predictor",
    "Result": "pipeline",
    "Ssd": "detectors",
    "Whole": "detectors",
    "YuNet": "detectors",
    "detector": "detectors",
    # Showing, writing
    "BrowserCamera": "camera",
    "Csv": "sinks",
    "Jsonl": "sinks",
    "Mp4": "sinks",
    "Timeline": "timelines",
    "Window": "sinks",
    "draw": "overlay",
    "timeline": "timelines",
    # Clips made by code
    "ClipTruth": "clips",
    "face_clip": "clips",
}
__all__ = [
    "BrowserCamera",
    "Center",
    "ClipTruth",
    "Csv",
    "Detections",
    "Detector",
    "Face",
    "Frame",
    "Haar",
    "ImageFiles",
    "InMemory",
    "Jsonl",
    "Mp4",
    "Pipeline",
    "Predictor",
    "Result",
    "Screen",
    "Source",
    "Ssd",
    "Threaded",
    "Timeline",
    "VideoFile",
    "Webcam",
    "Whole",
    "Window",
    "YuNet",
    "detector",
    "draw",
    "face_clip",
    "image_files",
    "in_memory",
    "threaded",
    "timeline",
]


def __getattr__(name: str):
    if name in _HOME:
        module = importlib.import_module(f"fer_utils.live.{_HOME[name]}")
        return getattr(module, name)
    raise AttributeError(f"module 'fer_utils.live' has no attribute {name!r}")
