"""Several devices at once, through Keras' own distribution API."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from fer_utils.backend import keras
from fer_utils.errors import ParameterError, did_you_mean
from fer_utils.training.config import STRATEGIES

__all__ = [
    "across_devices",
    "device_count",
    "require_built_here",
    "require_shareable",
]


@contextlib.contextmanager
def across_devices(strategy: str = "data_parallel") -> Iterator[int]:
    """Train on every device that the backend sees, for the length of a `with` block.

    Each device holds all the weights and computes its share of every batch; batch norm
    and the loss are those of the whole batch, so the result is one device's, up to
    rounding. Build the model in the block, predict after it.

    Args:
        strategy: "data_parallel", or "one_device", which changes nothing.

    Yields:
        How many devices share a batch.

    Raises:
        ParameterError: unknown strategy, a backend that cannot do it, or one device.

    Example:
        >>> with across_devices("one_device") as devices:
        ...     devices
        1
    """
    if strategy not in STRATEGIES:
        raise ParameterError(
            f"unknown strategy {strategy!r}." + did_you_mean(strategy, STRATEGIES)
        )
    if strategy == "one_device":
        yield 1
        return
    distribution = keras.distribution.DataParallel(devices=_several_devices())
    before = keras.distribution.distribution()
    keras.distribution.set_distribution(distribution)
    try:
        yield device_count()
    finally:
        keras.distribution.set_distribution(before)


def _several_devices() -> list[str]:
    backend = keras.backend.backend()
    if backend != "jax":
        raise ParameterError(
            f"strategy='data_parallel' with the {backend} backend: Keras distributes "
            "training on JAX only. Install jax and set KERAS_BACKEND=jax."
        )
    found = keras.distribution.list_devices()
    if len(found) < 2:
        raise ParameterError(
            f"strategy='data_parallel' needs two devices or more, found {found}. Train "
            "with strategy='one_device'; to try it without GPUs, set XLA_FLAGS="
            "--xla_force_host_platform_device_count=2 before Python starts."
        )
    return found


def device_count() -> int:
    """Return how many devices share a batch: 1 outside `across_devices`."""
    distribution = keras.distribution.distribution()
    return 1 if distribution is None else int(distribution.device_mesh.devices.size)


def require_shareable(batch_size: int, counts: dict[str, int]) -> None:
    """Refuse batches that the devices cannot share evenly.

    Args:
        batch_size: of the training.
        counts: images by split; a split without images is not used.

    Raises:
        ParameterError: batch_size is no multiple of the number of devices, or a split
            has fewer images than there are devices.
    """
    devices = device_count()
    if batch_size % devices:
        raise ParameterError(
            f"batch_size={batch_size} cannot be shared by {devices} devices. Choose a "
            f"multiple of {devices}."
        )
    for split, images in counts.items():
        if 0 < images < devices:
            raise ParameterError(
                f"{split} has too few images ({images}) to be shared by {devices} "
                "devices. Use more images or fewer devices."
            )


def require_built_here(model: keras.Model) -> None:
    """Refuse a model whose weights are on one device while several shall train it.

    Raises:
        ParameterError: it was built outside the `with` block.
    """
    devices = device_count()
    if devices > 1 and any(
        len(variable.value.sharding.device_set) != devices
        for variable in model.variables
    ):
        raise ParameterError(
            f"model {model.name!r} was built outside `across_devices()`: its weights "
            "are on one device. Build it inside the `with` block."
        )
