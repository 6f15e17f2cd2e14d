"""Calm probabilities: each face's own, averaged over the last moments."""

from __future__ import annotations

import math

import numpy as np

from fer_utils.errors import ParameterError

__all__ = ["Smoother"]


class Smoother:
    """Average the probabilities of each face with weights that fade with time.

    A frame's weight falls to 1/e after `seconds`, whatever the frame rate: a label
    is as calm on a slow machine as on a fast one. The weights are divided by their sum,
    so the first frames of a face are their plain mean.

    Args:
        seconds: float, at least 0; 0 does not smooth.

    Raises:
        ParameterError: seconds is below 0.

    Example:
        >>> smoother = Smoother(0.6)
        >>> _ = smoother.update(1, np.array([1, 0]), 0.0)
        >>> [f"{p:.2f}" for p in smoother.update(1, np.array([0, 1]), 0.6)]
        ['0.27', '0.73']
    """

    def __init__(self, seconds: float = 0.6):
        if not seconds >= 0 or math.isinf(seconds):
            raise ParameterError(
                f"smooth={seconds}: expected seconds, at least 0 (0 does not smooth)."
            )
        self.seconds = seconds
        self._faces: dict[int, tuple[np.ndarray, float, float]] = {}

    def update(self, face_id: int, probs: np.ndarray, seconds: float) -> np.ndarray:
        """Take a face's probabilities in and return the smoothed ones.

        Args:
            face_id: int, whose they are.
            probs: float (K,), their sum 1.
            seconds: float, the time of the frame.

        Returns:
            float32 (K,), their sum 1.
        """
        total, weight, last = self._faces.get(face_id, (0.0, 0.0, seconds))
        kept = self._kept(seconds - last)
        total, weight = total * kept + probs, weight * kept + 1
        self._faces[face_id] = (total, weight, seconds)
        return (total / weight).astype(np.float32)

    def keep(self, face_ids) -> None:
        """Forget all faces but these."""
        wanted = set(face_ids)
        self._faces = {i: state for i, state in self._faces.items() if i in wanted}

    def _kept(self, elapsed: float) -> float:
        if self.seconds == 0:
            return 0.0
        return math.exp(-max(elapsed, 0) / self.seconds)
