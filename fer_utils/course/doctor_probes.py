"""What the doctor asks in processes of their own, where a crash cannot hurt it.

`python -m fer_utils.course.doctor_probes NAME` prints one JSON object as its last line.
"""

from __future__ import annotations

import json
import sys
import time

__all__ = ["PROBES"]


def backend() -> dict:
    """Import the backend, take one training step, and name its devices."""
    began = time.perf_counter()
    import numpy as np

    from fer_utils.backend import accelerators, keras

    model = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Conv2D(2, 3)])
    model.add(keras.layers.Flatten())
    model.compile("sgd", "mse")
    loss = float(model.train_on_batch(np.ones((2, 8, 8, 1)), np.zeros((2, 72))))
    name = keras.backend.backend()
    return {
        "keras": keras.__version__,
        "backend": name,
        "backend_version": getattr(sys.modules.get(name), "__version__", "?"),
        "step_works": loss == loss,
        "gpus": accelerators(),
        "weights": _imagenet(),
        "seconds": round(time.perf_counter() - began, 1),
    }


def _imagenet() -> dict[str, str]:
    from fer_utils.models.weights import imagenet_weights

    wanted = {"mobilenet 0.25": 0.25, "mobilenet 1.0": 1.0}
    return {
        name: str(imagenet_weights("mobilenet", alpha))
        for name, alpha in wanted.items()
    }


def opencv() -> dict:
    """Import OpenCV and look for what the kit uses of it."""
    import cv2

    return {
        "version": cv2.__version__,
        "missing": [
            name
            for name in ("CascadeClassifier", "FaceDetectorYN", "VideoCapture", "dnn")
            if not hasattr(cv2, name)
        ],
        "windows": "NONE" not in _build_line(cv2, "GUI:"),
    }


def _build_line(cv2, start: str) -> str:
    lines = (line.strip() for line in cv2.getBuildInformation().splitlines())
    return next((line for line in lines if line.startswith(start)), "")


def data(name: str) -> dict:
    """Load one data set, from the cache when it is there, and count its images."""
    import numpy as np

    from fer_utils.data.loading import READERS, load

    faces = load(name)
    counts = faces.counts()
    official = {
        split: dict(zip(faces.classes, numbers, strict=True))
        for split, numbers in READERS[name].OFFICIAL_COUNTS.items()
    }
    if "all" in official:
        found = np.bincount(faces.labels, minlength=faces.num_classes)
        counts = {"all": dict(zip(faces.classes, found.tolist(), strict=True))}
    return {
        "source": faces.source,
        "images": len(faces),
        "official": counts == official,
    }


PROBES = {"backend": backend, "opencv": opencv, "data": data}


if __name__ == "__main__":
    print(json.dumps(PROBES[sys.argv[1]](*sys.argv[2:])))
