"""Frames per second of the live pipeline against the classic loop, end to end.

    python benchmarks/live.py [--seconds 4]

Clips are made by code and decoded from disk: faces of CK+ that Haar finds, when the
data is there (a face that is missed costs the classic loop nothing), else drawn ones,
of which Haar misses many. Both loops decode, search, predict and draw; "encode" adds an
mp4 of the result. The baseline is the classic loop of tutorials: OpenCV's Haar cascade
(1.3, 5) on every frame, then `model.predict` for every face. It runs twice: with the
shipped network, as ours does, and with the study's deep CNN (its time does not depend
on what it has learned, so it is left untrained).
"""

import argparse
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

from fer_utils import data, live, load_pretrained, models
from fer_utils.errors import DataError

SIZES = ((640, 360), (1280, 720))
FACES = (1, 5)


def haar() -> cv2.CascadeClassifier:
    """Return the face finder of the classic loop."""
    return cv2.CascadeClassifier(
        cv2.data.haarcascades + "haarcascade_frontalface_default.xml"
    )


def real_faces() -> dict[str, np.ndarray] | None:
    """Return happy and surprised faces of CK+ that Haar finds, or None without CK+."""
    try:
        faces = data.load("ck48")
    except DataError:
        return None
    finder, kept = haar(), {}
    for label in ("happy", "surprise"):
        some = faces.images()[faces.labels == faces.classes.index(label)][::3, ..., 0]
        kept[label] = np.array([face for face in some if is_found(finder, face)])
    return kept


def is_found(finder, face: np.ndarray) -> bool:
    """Say whether Haar finds a face at the sizes it has in the clips."""
    for side in (72, 130, 180, 360):
        large = cv2.resize(face, (side, side), interpolation=cv2.INTER_CUBIC)
        scene = cv2.copyMakeBorder(large, *[side // 4] * 4, cv2.BORDER_REPLICATE)
        if len(finder.detectMultiScale(scene, 1.3, 5)) != 1:
            return False
    return True


def classic(path: Path, model, out: Path | None) -> tuple[int, float, int]:
    """Run the classic loop; return frames, seconds and faces found."""
    finder = haar()
    video, writer, frames, found = cv2.VideoCapture(str(path)), None, 0, 0
    began = time.perf_counter()
    while True:
        ok, image = video.read()
        if not ok:
            break
        grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        for x, y, w, h in finder.detectMultiScale(grey, 1.3, 5):
            face = cv2.resize(grey[y : y + h, x : x + w], (48, 48))
            logits = model.predict(face[None, ..., None], verbose=0)
            label = model.class_names[int(logits.argmax())]
            cv2.rectangle(image, (x, y), (x + w, y + h), (255, 0, 0), 2)
            cv2.putText(image, label, (x, y - 8), 0, 0.8, (255, 255, 255), 2)
            found += 1
        if out:
            if writer is None:
                code = cv2.VideoWriter_fourcc(*"mp4v")
                writer = cv2.VideoWriter(str(out), code, 25, image.shape[1::-1])
            writer.write(image)
        frames += 1
    if writer:
        writer.release()
    return frames, time.perf_counter() - began, found


def ours(path: Path, pipeline, out: Path | None):
    """Run the pipeline; return frames, seconds, faces found and ms per step."""
    frames, found, steps, drawing = 0, 0, {}, 0.0
    began = time.perf_counter()
    with live.VideoFile(path) as source:
        sink = live.Mp4(out, source.fps, source.size) if out else None
        with live.threaded(source) as read:
            for frame, result in pipeline.run(read):
                at = time.perf_counter()
                image = live.draw(frame.image, result, pipeline.classes, fps=100.0)
                drawing += 1000 * (time.perf_counter() - at)
                if sink:
                    sink.write(result, image)
                for step, ms in result.timings_ms.items():
                    steps[step] = steps.get(step, 0.0) + ms
                frames, found = frames + 1, found + len(result.faces)
        if sink:
            sink.close()
    seconds = time.perf_counter() - began
    steps = {k: v / frames for k, v in {**steps, "draw": drawing}.items()}
    steps["decode, encode, wait"] = 1000 * seconds / frames - sum(
        ms for step, ms in steps.items() if step != "total"
    )
    return frames, seconds, found, steps


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=4.0, help="of each clip")
    half = parser.parse_args().seconds / 2
    shipped = load_pretrained()
    deep = models.build("deep_cnn", (48, 48, 1), shipped.class_names)
    slow = {"the same network": shipped, "the study's deep CNN": deep}
    for model in slow.values():
        model.predict(np.zeros((1, 48, 48, 1), np.uint8), verbose=0)
    pipeline = live.Pipeline(shipped)
    pictures = real_faces()
    print("faces:", "drawn" if pictures is None else "CK+, those that Haar finds")
    with tempfile.TemporaryDirectory() as folder:
        for size in SIZES:
            for faces in FACES:
                clip = Path(folder) / f"{size[0]}-{faces}.mp4"
                segments = [("happy", half), ("surprise", half)]
                live.face_clip(
                    clip, size, segments=segments, faces=faces, pictures=pictures
                )
                for encode in (False, True):
                    out = Path(folder) / "out.mp4" if encode else None
                    report(clip, size, faces, out, slow, pipeline)


def report(clip, size, faces, out, slow, pipeline):
    """Time the loops on one clip in turn, and print the better of two or three runs."""
    new = min((ours(clip, pipeline, out) for _ in range(3)), key=lambda r: r[1])
    frames = new[0]
    print(
        f"{size[0]}x{size[1]}, {faces} face{'s' * (faces > 1)}, encoding "
        f"{'on' if out else 'off'}: {frames / new[1]:.0f} fps, "
        f"{new[2] / frames:.2f} faces per frame"
    )
    for name, model in slow.items():
        old = min((classic(clip, model, out) for _ in range(2)), key=lambda r: r[1])
        print(
            f"    classic loop with {name}: {old[0] / old[1]:.1f} fps, "
            f"{old[2] / old[0]:.2f} faces per frame; ratio {old[1] / new[1]:.1f}x"
        )
    steps = ", ".join(f"{k} {v:.2f}" for k, v in new[3].items() if k != "total")
    print(f"    ours, ms per frame: {steps}", flush=True)


if __name__ == "__main__":
    main()
