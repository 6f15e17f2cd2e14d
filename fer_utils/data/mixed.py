"""Several data sets as one: the first one's classes, size and colour."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np

from fer_utils import labels as fer_labels
from fer_utils.data.faceset import FaceSet
from fer_utils.errors import ParameterError

__all__ = ["by_source", "check_mix", "mixed"]

# Sets of the same photos: what one trains on, the other may test on.
_SAME_PHOTOS = (
    {"fer2013", "ferplus", "ferplus-soft"},
    {"ck48", "ckplus"},
    {"synthetic-eight", "synthetic-eight-soft"},
)


def mixed(parts: Sequence[FaceSet]) -> FaceSet:
    """Put data sets together, through the names of their classes.

    The first set decides: its classes in its order, its height, width and colour. Of
    the others, faces of classes that the first does not have are left out, with a
    warning that counts them. Each keeps its own split.

    Args:
        parts: two sets or more, with different names.

    Returns:
        FaceSet named "a+b"; `facts["source"]` says where each face is from, `rows` is
        its position in the mix. Where a part has soft targets the others get their
        labels as such. Votes are left behind.

    Raises:
        ParameterError: fewer than two sets, one of them twice, or two of the same
            photos.
    """
    names = [part.name for part in parts]
    check_mix(names)
    first = parts[0]
    fitted = [_fitted(part, first) for part in parts]
    soft = any(part.targets is not None for part in fitted)
    return FaceSet(
        pixels=np.concatenate([_pixels(part, first) for part in fitted]),
        labels=np.concatenate([part.labels for part in fitted]),
        split=np.concatenate([part.split for part in fitted]),
        classes=first.classes,
        name="+".join(names),
        source="; ".join(part.source for part in parts),
        targets=np.concatenate([_targets(part) for part in fitted]) if soft else None,
        facts={"source": np.repeat(names, [len(part) for part in fitted])},
        notice=" and ".join(dict.fromkeys(p.notice for p in parts if p.notice)),
    )


def check_mix(names: Sequence[str]) -> None:
    """Raise ParameterError unless the named sets can be mixed."""
    if len(names) < 2 or len(set(names)) < len(names):
        raise ParameterError(
            f"a mix of {', '.join(names) or 'nothing'}: expected two data sets or "
            "more, each once, such as 'fer2013+ck48'."
        )
    for photos in _SAME_PHOTOS:
        if len(same := [name for name in names if name in photos]) > 1:
            raise ParameterError(
                f"a mix of {' and '.join(same)}: they show the same photos, and a test "
                "would meet faces that were trained on. Take one of them."
            )


def by_source(faces: FaceSet) -> dict[str, FaceSet]:
    """Return the parts of a mix by the name of their data set; one part if it is none.

    Example:
        >>> from fer_utils import data
        >>> list(by_source(data.load("synthetic", n=70)))
        ['synthetic']
    """
    source = faces.facts.get("source")
    if source is None:
        return {faces.name: faces}
    return {name: faces.take(source == name) for name in faces.name.split("+")}


def _fitted(part: FaceSet, first: FaceSet) -> FaceSet:
    """Return a part in the first one's classes, without those it does not have."""
    if part.classes == first.classes:
        return part
    target = fer_labels.mapping(part.classes, first.classes)
    label = np.array([-1 if t is None else t for t in target])[part.labels]
    if lost := int((label < 0).sum()):
        without = [c for c in part.classes if c not in first.classes]
        warnings.warn(
            f"{part.name}: {lost:,} faces of {', '.join(without)} are left out, for "
            f"{first.name} has no such class.",
            stacklevel=3,
        )
    kept = part.take(label >= 0)
    targets = None
    if kept.targets is not None:
        columns = fer_labels.mapping(first.classes, part.classes)
        targets = _moved(kept.targets, columns, label[label >= 0])
    return FaceSet(
        kept.pixels,
        label[label >= 0],
        kept.split,
        first.classes,
        kept.name,
        kept.source,
        targets=targets,
    )


def _moved(targets: np.ndarray, columns, labels: np.ndarray) -> np.ndarray:
    """Return targets in other columns; rows sum to one, empty ones go to the label."""
    moved = np.zeros((len(targets), len(columns)), np.float32)
    for to, origin in enumerate(columns):
        if origin is not None:
            moved[:, to] = targets[:, origin]
    empty = np.flatnonzero(moved.sum(axis=1) <= 0)
    moved[empty, labels[empty]] = 1
    return moved / moved.sum(axis=1, keepdims=True)


def _targets(part: FaceSet) -> np.ndarray:
    if part.targets is not None:
        return part.targets
    return np.eye(part.num_classes, dtype=np.float32)[part.labels]


def _pixels(part: FaceSet, first: FaceSet) -> np.ndarray:
    """Return a part's pixels in the first one's form, in memory."""
    pixels, wanted = np.asarray(part.pixels), first.pixels.shape[1:]
    if pixels.shape[1:] == wanted:
        return pixels
    from PIL import Image

    mode, resampling = "RGB" if len(wanted) == 3 else "L", Image.Resampling.BILINEAR
    made = np.empty((len(pixels), *wanted), np.uint8)
    for place, image in enumerate(pixels):
        changed = Image.fromarray(image).convert(mode)
        made[place] = np.asarray(changed.resize(wanted[1::-1], resampling))
    return made
