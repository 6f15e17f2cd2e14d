"""Several data sets as one: the first one's classes, size and colour."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np

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
    fitted = part.in_classes(first.classes)
    if lost := len(part) - len(fitted):
        without = [c for c in part.classes if c not in first.classes]
        warnings.warn(
            f"{part.name}: {lost:,} faces of {', '.join(without)} are left out, for "
            f"{first.name} has no such class.",
            stacklevel=3,
        )
    return fitted


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
