"""The few pixel operations that every drawn part is made of."""

from __future__ import annotations

import numpy as np

__all__ = ["AXIS", "SIDE", "bump", "face_coordinates", "paint", "soft"]

SIDE = 48
AXIS = np.arange(SIDE, dtype=np.float32)


def face_coordinates(p, y, x):
    """Turn pixel rows (B, h, 1), columns (B, 1, w) into face units u, v (B, h, w)."""
    x, y = (x - p.centre_x) / p.size, (y - p.centre_y) / p.size
    return p.cos * x + p.sin * y, p.cos * y - p.sin * x


def soft(distance, p):
    """Turn a signed distance in face units, positive inside, into a mask in [0, 1]."""
    mask = distance * p.size
    mask += 0.5
    return np.clip(mask, 0, 1, out=mask)


def paint(image, mask, tone) -> None:
    """Blend a tone into an image where the mask says so, in place."""
    image += mask * (tone - image)


def bump(squared):
    """Return a smooth hill over a squared distance: 1 at 0, 0 from 1 on."""
    hill = np.maximum(1 - squared, 0)
    hill *= hill
    return hill
