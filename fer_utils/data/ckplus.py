"""CK+ as published: the labelled sequences of posed expressions, from neutral to peak.

Lucey et al., "The Extended Cohn-Kanade Dataset (CK+)", 2010.

    cohn-kanade-images/S010/004/S010_004_00000019.png    subject, sequence, frame
    Emotion/S010/004/S010_004_00000019_emotion.txt       one number, from 1 to 7
    Landmarks/S010/004/S010_004_00000019_landmarks.txt   68 points on the face

Most sequences have no label and are passed over. Of a labelled one the first frame is
neutral and the last three show the label. Frames of one subject are alike: the split is
by subject, never by image. The 48-pixel copy, which has no neutral frames, is `ck48`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fer_utils import labels as fer_labels
from fer_utils.data import ck48
from fer_utils.data.faceset import FaceSet
from fer_utils.data.folds import subject_split_or_test
from fer_utils.data.image_files import ImageFiles
from fer_utils.data.reading import Bad, Reading, refuse_bad, warn_dropped
from fer_utils.errors import DataError

__all__ = ["load"]

VOCABULARY = fer_labels.CKPLUS
PEAK_FRAMES = 3
IMAGES = "cohn-kanade-images"
# An archive may have been unpacked as it is, or into a folder of its own name.
_IMAGE_PLACES = (IMAGES, f"extended-{IMAGES}/{IMAGES}")
_LABEL_PLACES = ("Emotion", "Emotion_labels/Emotion", "Emotion_labels")
_LANDMARK_PLACES = ("Landmarks/Landmarks", "Landmarks")

_SEQUENCE = re.compile(r"(S\d{3})_(\d{3})_(\d{8})_emotion\.txt", re.ASCII)
_FRAME = re.compile(r"S\d{3}_\d{3}_(\d{8})\.png", re.ASCII | re.IGNORECASE)
_POINTS = 68
# The points end at chin and brows: the square is wider than they are, and higher up.
_BOX_SCALE, _BOX_RISE = 1.2, 0.06


@dataclass(frozen=True)
class _Frame:
    """One image that is used: its path below the set's folder, its label, its row."""

    name: str
    label: int
    row: int  # subject, sequence and frame as one number, as `ck48` has it
    box: tuple[int, int, int, int] | None


def load(
    source: Path,
    *,
    side: int = 48,
    colour: bool = False,
    crop: bool = True,
    seed: int = 0,
    skip_bad: bool = False,
) -> FaceSet:
    """Load the labelled sequences of CK+ into memory, four frames of each.

    Args:
        source: the folder with `cohn-kanade-images` and `Emotion`, or the former.
        side: height and width in pixels to which faces are resized.
        colour: RGB, or else grey, as most of CK+ is.
        crop: cut a square around the face, which needs `Landmarks`; False shows the
            whole frame, head and shoulders.
        seed: int, of the split by subject.
        skip_bad: leave out what cannot be used, with one warning, instead of raising.

    Returns:
        FaceSet, uint8 (N, side, side), in CK+'s class order, neutral first;
        `facts["subject"]` and `facts["sequence"]`. All of it is test if there are too
        few subjects to split.

    Raises:
        ParameterError: the side is out of range.
        DataError: a folder is missing, or sequences are bad.
    """
    root = _root(Path(source))
    folders = _Folders.of(root, crop)
    frames, bad = [], []
    for found in folders.sequences():
        if isinstance(found, Bad):
            bad.append(found)
        else:
            frames += found
    pixels, frames, damaged = _pixels(root, frames, side, colour)
    reading = _reading(pixels, frames, [*bad, *damaged])
    if not skip_bad or not frames:
        refuse_bad(reading, root.name)
    warn_dropped(reading, root.name)
    if not frames:
        raise DataError(f"{root}: no sequence in {folders.labels} has a label.")
    facts = ck48.facts(reading)
    return FaceSet(
        pixels=pixels,
        labels=reading.labels,
        split=subject_split_or_test(reading.labels, facts["subject"], seed),
        classes=VOCABULARY.classes,
        name="ckplus",
        source=str(root),
        rows=reading.rows,
        facts=facts,
    )


@dataclass(frozen=True)
class _Folders:
    """Where a copy of CK+ has its parts, all below `root`."""

    root: Path
    images: str
    labels: str
    landmarks: str | None

    @classmethod
    def of(cls, root: Path, crop: bool) -> _Folders:
        """Find the parts, or raise a DataError that names what is missing."""
        labels = _first(root, _LABEL_PLACES)
        if labels is None:
            raise DataError(
                f"{root}: {IMAGES} is there, but not the folder Emotion with the "
                "labels. Unpack Emotion_labels.zip beside it."
            )
        landmarks = _first(root, _LANDMARK_PLACES) if crop else None
        if crop and landmarks is None:
            raise DataError(
                f"{root}: the folder Landmarks, which tells where faces are, is not "
                "there. Unpack Landmarks.zip, or pass crop=False for whole frames."
            )
        return cls(root, _first(root, _IMAGE_PLACES), labels, landmarks)

    def sequences(self) -> Iterator[list[_Frame] | Bad]:
        """Yield the used frames of each labelled sequence, or why it has none."""
        for file in sorted((self.root / self.labels).glob("*/*/*_emotion.txt")):
            where = file.relative_to(self.root).as_posix()
            try:
                yield self._sequence(file)
            except (ValueError, OSError) as error:
                yield Bad(where, str(error))

    def _sequence(self, file: Path) -> list[_Frame]:
        match = _SEQUENCE.fullmatch(file.name)
        if match is None:
            raise ValueError("expected a name like S010_004_00000019_emotion.txt")
        subject, take, peak = match.groups()
        label = _label(file)
        folder = f"{self.images}/{subject}/{take}"
        names = _frames(self.root / folder)
        if len(names) <= PEAK_FRAMES:
            raise ValueError(
                f"expected {PEAK_FRAMES + 1} frames or more in {folder}, received "
                f"{len(names)}"
            )
        if not names[-1].lower().startswith(f"{subject}_{take}_{peak}.".lower()):
            raise ValueError(
                f"it is of frame {peak}, but the last one in {folder} is {names[-1]}"
            )
        used = [(names[0], VOCABULARY.index("neutral"))]
        used += [(name, label) for name in names[-PEAK_FRAMES:]]
        return [self._frame(folder, name, label) for name, label in used]

    def _frame(self, folder: str, name: str, label: int) -> _Frame:
        box = None
        if self.landmarks:
            below = folder.removeprefix(self.images)
            stem = name.rpartition(".")[0]
            place = f"{self.landmarks}{below}/{stem}_landmarks.txt"
            box = _box(self.root / place, place)
        return _Frame(f"{folder}/{name}", label, ck48.row_of(name), box)


def _root(source: Path) -> Path:
    """Return the folder that holds the images' folder, with whatever is around it.

    Raises:
        DataError: there is none.
    """
    roots = [
        root
        for root in (source, *source.parents[:2])
        if _first(root, _IMAGE_PLACES) is not None
    ]
    whole = [root for root in roots if _first(root, _LABEL_PLACES) is not None]
    if roots:
        return (whole or roots)[0]
    raise DataError(
        f"{source}: expected CK+ as published, a folder with {IMAGES}/S010/004/ and so "
        "on, and Emotion and Landmarks beside it. Its 48-pixel copy is 'ck48'."
    )


def _first(root: Path, places: Sequence[str]) -> str | None:
    return next((place for place in places if (root / place).is_dir()), None)


def _label(file: Path) -> int:
    """Return the label of an emotion file; ValueError says what it has instead."""
    text = file.read_bytes()[:100].decode("ascii", "replace").strip()
    try:
        code = float(text)
    except ValueError:
        code = -1.0
    if code not in range(1, len(VOCABULARY)):
        raise ValueError(f"expected a number from 1 to 7, received {text[:40]!r}")
    return int(code)


def _frames(folder: Path) -> list[str]:
    """Return the file names of a sequence in the order of its frames."""
    if not folder.is_dir():
        return []
    names = [file.name for file in folder.iterdir() if _FRAME.fullmatch(file.name)]
    return sorted(names, key=lambda name: int(_FRAME.fullmatch(name)[1]))


def _box(path: Path, place: str) -> tuple[int, int, int, int]:
    """Return the square around 68 points: left, top, width, height in pixels."""
    if not path.is_file():
        raise ValueError(f"its landmarks {place} are not there")
    try:
        points = np.array(path.read_text(encoding="ascii").split(), float)
    except ValueError:  # no text, or no numbers
        points = np.empty(0)
    if points.size != 2 * _POINTS or not np.isfinite(points).all():
        raise ValueError(f"{place}: expected {_POINTS} lines of two numbers")
    points = points.reshape(_POINTS, 2)  # x, y
    low, high = points.min(axis=0), points.max(axis=0)
    length = _BOX_SCALE * (high - low).max()
    left, top = (low + high) / 2 - length / 2 - (0, _BOX_RISE * length)
    return round(left), round(top), round(length), round(length)


def _pixels(root: Path, frames: list[_Frame], side: int, colour: bool):
    """Read the frames into memory; return pixels, the good frames, the damaged."""
    boxes = [f.box for f in frames] if frames and frames[0].box else None
    files = ImageFiles(root, [f.name for f in frames], side, colour, boxes)
    try:
        return files.load(), frames, ()
    except DataError:
        damaged = files.damaged()
    names = {bad.where for bad in damaged}
    good = [i for i, frame in enumerate(frames) if frame.name not in names]
    return files.view(np.array(good, int)).load(), [frames[i] for i in good], damaged


def _reading(pixels: np.ndarray, frames: list[_Frame], bad: list[Bad]) -> Reading:
    return Reading(
        pixels,
        np.array([frame.label for frame in frames], np.int64),
        np.zeros(len(frames), np.int8),
        np.array([frame.row for frame in frames], np.int64),
        tuple(bad),
        "file",
    )
