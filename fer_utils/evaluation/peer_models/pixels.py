"""From uint8 faces to the numbers that a network of other people was trained on."""

from __future__ import annotations

import numpy as np

from fer_utils.errors import DataError, ParameterError, did_you_mean

__all__ = ["COLOURS", "SCALINGS", "as_images", "prepare", "scaling_of"]

# name -> (mean, standard deviation) of a pixel in 0 … 255; three numbers are R, G, B.
SCALINGS: dict[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "raw": ((0.0,), (1.0,)),
    "[0,1]": ((0.0,), (255.0,)),
    "[-1,1]": ((127.5,), (127.5,)),
    "imagenet": ((123.675, 116.28, 103.53), (58.395, 57.12, 57.375)),
    "photo mean": ((122.782, 117.001, 104.298), (255.0,)),
}
COLOURS = {"grey": 1, "rgb": 3, "bgr": 3}


def prepare(faces, side: int, colour: str, scaling: str) -> np.ndarray:
    """Resize, recolour and scale faces for a network.

    Args:
        faces: uint8 (N, H, W), (N, H, W, 1) or (N, H, W, 3) RGB.
        side: pixels of the square that the network takes.
        colour: "grey" (luma of Rec. 601), "rgb" or "bgr"; grey faces are repeated.
        scaling: name of a preset, (pixel - mean) / standard deviation.

    Returns:
        float32 (N, side, side, 1 or 3).

    Raises:
        ParameterError: unknown colour or preset.
        DataError: not uint8 faces.

    Example:
        >>> prepare(np.full((1, 2, 2), 255, np.uint8), 4, "rgb", "[-1,1]").max()
        np.float32(1.0)
    """
    mean, deviation = scaling_of(scaling, colour)
    images = as_images(faces)
    x = np.empty((len(images), side, side, COLOURS[colour]), np.float32)
    for i, image in enumerate(images):
        x[i] = _recoloured(_resized(image, side), colour)
    x -= mean
    x /= deviation
    return x


def as_images(faces) -> np.ndarray:
    """Return faces, a FaceSet or an array, as uint8 (N, H, W, 1 or 3)."""
    images = np.asarray(faces.images() if hasattr(faces, "images") else faces)
    images = images[..., None] if images.ndim == 3 else images
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[-1] not in (1, 3):
        raise DataError(
            "faces: expected uint8 (N, H, W), (N, H, W, 1) or (N, H, W, 3) in "
            f"[0, 255], received {images.dtype} {images.shape}."
        )
    return images


def _resized(image: np.ndarray, side: int) -> np.ndarray:
    import cv2

    if image.shape[:2] == (side, side):
        return image
    way = cv2.INTER_AREA if image.shape[0] > side else cv2.INTER_LINEAR
    return cv2.resize(image, (side, side), interpolation=way).reshape(side, side, -1)


def _recoloured(image: np.ndarray, colour: str) -> np.ndarray:
    import cv2

    if colour == "grey":
        grey = image.shape[-1] == 1
        return image if grey else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[..., None]
    return image[..., ::-1] if colour == "bgr" else image  # one channel broadcasts


def scaling_of(name: str, colour: str) -> tuple[np.ndarray, np.ndarray]:
    """Return (mean, standard deviation) of a preset, in the colour's channel order."""
    if colour not in COLOURS:
        raise ParameterError(
            f"unknown colour {colour!r}." + did_you_mean(colour, COLOURS)
        )
    if name not in SCALINGS:
        raise ParameterError(
            f"unknown scaling {name!r}." + did_you_mean(name, SCALINGS)
        )
    mean, deviation = (np.array(part, np.float32) for part in SCALINGS[name])
    if colour == "grey" and len(mean) == 3:
        raise ParameterError(f"scaling {name!r} is for three colours, not for grey.")
    flip = slice(None, None, -1) if colour == "bgr" else slice(None)
    return mean[flip], deviation[flip]
