"""Batch norm as one operation in training, where the backend has one.

Keras computes batch norm from single operations, each of which reads and writes every
value of a feature map. TensorFlow has the same step as one. On a CPU that is most of
what is left of a training step once the convolutions are fast:
`benchmarks/training_step.py` measures it.
"""

from __future__ import annotations

from fer_utils.backend import fused_batch_norm, keras

__all__ = ["with_fused_batch_norm"]


def with_fused_batch_norm(model: keras.Model) -> keras.Model:
    """Return a view of a model, sharing its layers, that trains faster.

    The view has the same weights: training it trains the model, and the model itself,
    what is saved and exported, keeps Keras' own layers. Where the backend has no such
    operation, the model itself is returned. Layers of nested models are left alone.

    Args:
        model: functional keras.Model.

    Example:
        >>> from fer_utils import models
        >>> model = models.build("shallow_cnn")
        >>> view = with_fused_batch_norm(model)
        >>> view.trainable_variables[0] is model.trainable_variables[0]
        True
    """
    if fused_batch_norm is None or not any(map(_is_fusible, model.layers)):
        return model
    return keras.models.clone_model(
        model, clone_function=lambda x: FusedBatchNorm(x) if _is_fusible(x) else x
    )


def _is_fusible(layer) -> bool:
    return (
        type(layer) is keras.layers.BatchNormalization
        and len(layer.input.shape) == 4
        and layer.axis in (-1, 3)
        and layer.scale
        and layer.center
    )


class FusedBatchNorm(keras.layers.Layer):
    """Train a BatchNormalization layer with one operation per step; share its weights.

    Args:
        plain: built keras.layers.BatchNormalization over the last axis of (B, H, W, C).
    """

    def __init__(self, plain):
        # The statistics stay float32 whatever the precision of the feature maps.
        super().__init__(name=plain.name, dtype=plain.dtype_policy, autocast=False)
        self.plain = plain

    def call(self, x, training=False, mask=None):  # no image has a mask
        plain = self.plain
        if not (training and plain.trainable):
            return plain(x, training=training)
        x, mean, variance = fused_batch_norm(x, plain.gamma, plain.beta, plain.epsilon)
        for moving, now in (
            (plain.moving_mean, mean),
            (plain.moving_variance, variance),
        ):
            moving.assign(moving * plain.momentum + now * (1 - plain.momentum))
        return x
