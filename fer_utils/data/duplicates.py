"""Find equal and nearly equal images, within and across splits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fer_utils.data.faceset import SPLITS, FaceSet
from fer_utils.data.image_files import blocks

__all__ = ["Duplicates", "find_duplicates"]

# A near duplicate's 12x12 thumbnail correlates with its twin's at least this much.
# Chosen by looking at pairs: above it FER2013's pairs are recropped, requantised copies
# of one photo.
NEAR_CORRELATION = 0.97
_THUMBNAIL = 12
_BLOCK = 1024  # images that are in memory at once


@dataclass(frozen=True)
class Duplicates:
    """Groups of images that show the same pixels.

    Attributes:
        groups: int64 (N,), the group of each image; -1 for an image without a twin.
        split: str (N,), the split of each image.
        labels: int64 (N,), the label of each image.
    """

    groups: np.ndarray
    split: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return int(self.groups.max(initial=-1)) + 1

    def __repr__(self) -> str:
        return (
            f"Duplicates({len(self):,} groups, {int((self.groups >= 0).sum()):,} "
            "images, "
            f"{int(self.also_in_train().sum()):,} test images also in train)"
        )

    def members(self, group: int) -> np.ndarray:
        """Return the positions of one group's images."""
        return np.flatnonzero(self.groups == group)

    def conflicting(self) -> np.ndarray:
        """Return the groups whose images carry different labels."""
        lowest = np.full(len(self), np.iinfo(np.int64).max)
        highest = np.full(len(self), -1)
        inside = self.groups >= 0
        np.minimum.at(lowest, self.groups[inside], self.labels[inside])
        np.maximum.at(highest, self.groups[inside], self.labels[inside])
        return np.flatnonzero(lowest != highest)

    def also_in_train(self, split: str = "test") -> np.ndarray:
        """Return a mask (N,) of the images of `split` that have a twin in train."""
        return (self.split == split) & self._group_touches("train")

    def leaked(self) -> np.ndarray:
        """Return a mask (N,): train and val images with a twin in a later part."""
        in_test, in_val = self._group_touches("test"), self._group_touches("val")
        train, val = (self.split == name for name in SPLITS[:2])
        return (train & (in_test | in_val)) | (val & in_test)

    def _group_touches(self, split: str) -> np.ndarray:
        touched = np.zeros(len(self) + 1, bool)  # the last entry serves group -1
        touched[self.groups[(self.split == split) & (self.groups >= 0)]] = True
        return touched[self.groups]


def find_duplicates(faces: FaceSet, near: bool = False) -> Duplicates:
    """Find groups of equal images, or nearly equal ones.

    Pixels that stay on disk are read once, in blocks, as they are resized.

    Args:
        faces: the set to search.
        near: also group images whose 12x12 thumbnails correlate above 0.97 (copies that
            were rescaled, recompressed or had their contrast changed).

    Returns:
        Duplicates, one group per set of images that show the same picture.

    Example:
        >>> import numpy as np
        >>> pixels = np.zeros((3, 8, 8), np.uint8); pixels[2] = 9
        >>> split = ["train", "test", "test"]
        >>> faces = FaceSet(pixels, [0, 0, 1], split, ("sad", "happy"))
        >>> find_duplicates(faces)
        Duplicates(1 groups, 2 images, 1 test images also in train)
    """
    if not len(faces):
        return Duplicates(np.empty(0, np.int64), faces.split, faces.labels)
    digests, thumbnails = [], []
    for pixels in blocks(faces.pixels, _BLOCK):
        digests.append(_row_digests(pixels))
        if near:
            thumbnails.append(_thumbnails(pixels))
    _, first = np.unique(np.concatenate(digests), return_inverse=True)
    group = _near_groups(np.concatenate(thumbnails), first) if near else first
    sizes = np.bincount(group, minlength=1)
    numbered = np.full(len(sizes), -1)
    numbered[sizes > 1] = np.arange((sizes > 1).sum())
    return Duplicates(numbered[group], faces.split, faces.labels)


def _row_digests(pixels: np.ndarray) -> np.ndarray:
    import hashlib

    flat = np.ascontiguousarray(pixels).reshape(len(pixels), -1)
    return np.array([hashlib.blake2b(row, digest_size=16).digest() for row in flat])


def _near_groups(thumbs: np.ndarray, exact: np.ndarray) -> np.ndarray:
    """Join exact groups whose thumbnails (N, 144) correlate, as connected components.

    Rows of `thumbs` have length one.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n = len(thumbs)
    starts, ends = [np.arange(n)], [np.unique(exact, return_index=True)[1][exact]]
    step = min(2048, max(64, 2**27 // n))  # of a large set's products, half a GB
    for begin in range(0, n, step):
        block = thumbs[begin : begin + step] @ thumbs[begin:].T
        row, column = np.nonzero(block >= NEAR_CORRELATION)
        starts.append(row + begin)
        ends.append(column + begin)
    edges = (np.concatenate(starts), np.concatenate(ends))
    graph = coo_array((np.ones(len(edges[0]), bool), edges), (n, n))
    return connected_components(graph, directed=False)[1]


def _thumbnails(pixels: np.ndarray) -> np.ndarray:
    n, height, width = pixels.shape[:3]
    grey = pixels if pixels.ndim == 3 else pixels.mean(-1)
    rows = np.linspace(0, height, _THUMBNAIL + 1).astype(int)[:-1]
    columns = np.linspace(0, width, _THUMBNAIL + 1).astype(int)[:-1]
    out = np.empty((n, _THUMBNAIL**2), np.float32)
    for begin in range(0, n, 4096):  # keeps the float copy small
        part = grey[begin : begin + 4096].astype(np.float32)
        part = np.add.reduceat(np.add.reduceat(part, rows, 1), columns, 2)
        out[begin : begin + 4096] = part.reshape(len(part), -1)
    out -= out.mean(1, keepdims=True)
    length = np.linalg.norm(out, axis=1, keepdims=True)
    # A blank image has no direction: it is near nothing (exact equality still groups
    # it).
    return np.divide(out, length, out=np.zeros_like(out), where=length > 1e-3)
