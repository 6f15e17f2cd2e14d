"""Emotion networks of other people on our test: same images, same metrics.

A peer brings a file, a label order and a way to scale pixels; `load_peer` turns the
three into one callable, uint8 faces -> probabilities in our label order. A wrong label
order or scaling does not crash, it only scores badly, so `label_order` looks for the
first and `benchmarks/peers.py` chooses the second on val.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from fer_utils import labels as fer_labels
from fer_utils.errors import ParameterError, WeightsError, did_you_mean
from fer_utils.evaluation.peer_models import KNOWN, Network, Peer
from fer_utils.evaluation.peer_models import read as read_network
from fer_utils.evaluation.peer_models.pixels import (
    COLOURS,
    SCALINGS,
    as_images,
    prepare,
    scaling_of,
)
from fer_utils.evaluation.peer_models.vocabulary import label_order, to_vocabulary

__all__ = [
    "COLOURS",
    "KNOWN",
    "SCALINGS",
    "Peer",
    "PeerModel",
    "find_peer",
    "known_peer",
    "label_order",
    "load_peer",
    "prepare",
    "to_vocabulary",
]

_OUTPUTS = ("probs", "logits")


class PeerModel:
    """A peer that was loaded: uint8 faces in, probabilities in our label order out.

    Attributes:
        peer: Peer, what it was loaded with.
        classes: the label order of what it returns.
        dropped: its own classes that have no place there; the rest is renormalised.
        missing: classes of ours that it does not know; their probability is 0.
        network: Network, its file.
        side: pixels of its square input.
    """

    def __init__(self, peer: Peer, network: Network, side: int, classes):
        self.peer, self.network, self.side = peer, network, side
        self.classes = tuple(fer_labels.canonical(c) for c in classes)
        own = tuple(fer_labels.canonical(c) for c in peer.classes)
        self.dropped = tuple(c for c in own if c not in self.classes)
        self.missing = tuple(c for c in self.classes if c not in own)

    def __call__(self, faces) -> np.ndarray:
        """Return the probabilities of every face, seen once."""
        return self.predict(faces)

    def predict(self, faces, tta: str = "none", batch_size: int = 256) -> np.ndarray:
        """Predict the probability of every class for every face.

        Args:
            faces: FaceSet, or uint8 (N, H, W), (N, H, W, 1) or (N, H, W, 3) RGB.
            tta: "none", or "flip": the mean of a face and its mirror image.
            batch_size: int, at least 1.

        Returns:
            float32 (N, K), each row sums to one.

        Raises:
            ParameterError: unknown tta, or outputs that are no probabilities.
            DataError: not uint8 faces.
        """
        if tta not in ("none", "flip"):
            raise ParameterError(
                f"tta={tta!r}: a peer is seen as it is or flipped."
                + did_you_mean(tta, ("none", "flip"))
            )
        images = as_images(faces)  # (N, H, W, C)
        views = [images] if tta == "none" else [images, images[:, :, ::-1]]
        total = sum(self._probs(view, batch_size) for view in views)
        return (total / len(views)).astype(np.float32)

    def _probs(self, images: np.ndarray, batch_size: int) -> np.ndarray:
        parts = [np.empty((0, len(self.peer.classes)), np.float32)]
        for begin in range(0, len(images), batch_size):
            batch = images[begin : begin + batch_size]
            parts.append(self.network.run(self._prepared(batch)))
        own = _checked_outputs(np.concatenate(parts), self.peer)
        return to_vocabulary(own, self.peer.classes, self.classes)

    def _prepared(self, images: np.ndarray) -> np.ndarray:
        return prepare(images, self.side, self.peer.colour, self.peer.scaling)


def load_peer(
    peer: Peer | str,
    path: str | Path | None = None,
    *,
    classes: Sequence[str] = fer_labels.FER2013.classes,
    scaling: str | None = None,
) -> PeerModel:
    """Load an emotion network of other people from its file.

    Args:
        peer: a Peer, or the name of a known one (see `KNOWN`).
        path: its Keras, TFLite, ONNX or TensorFlow.js file; None looks where
            `find_peer` looks.
        classes: label order of the probabilities that are wanted.
        scaling: another preset of `SCALINGS` than the peer's own, to try it.

    Returns:
        PeerModel, uint8 (N, H, W[, C]) -> float32 (N, K).

    Raises:
        ParameterError: unknown peer, preset or colour, or a label order that does not
            fit the network.
        WeightsError: no file, or one that is damaged, carries code, or needs a runtime
            that is not installed.

    Example:
        >>> mine = Peer("mine", ("happy", "sad"), scaling="[-1,1]")
        >>> load_peer(mine, "mine.onnx")
        Traceback (most recent call last):
        fer_utils.errors.WeightsError: mine.onnx: no such file. Check the path of the \
model.
    """
    peer = known_peer(peer) if isinstance(peer, str) else peer
    peer = peer if scaling is None else replace(peer, scaling=scaling)
    _check_peer(peer)
    path = path or find_peer(peer)
    if path is None:
        raise WeightsError(
            f"peer {peer.name!r}: no {' or '.join(peer.files) or 'file'} found. To get "
            f"it: {peer.how_to_get or 'pass the path of its file'}. Then pass path=…, "
            "or put it into the folder that FER_WEIGHTS_DIR names."
        )
    network = read_network(path)
    return PeerModel(peer, network, _check_fit(peer, network, path), classes)


def known_peer(name: str) -> Peer:
    """Return a known peer by its name.

    Raises:
        ParameterError: none has that name.

    Example:
        >>> known_peer("face-api").classes[:2]
        ('neutral', 'happy')
    """
    peers = {peer.name: peer for peer in KNOWN}
    if name not in peers:
        raise ParameterError(f"unknown peer {name!r}." + did_you_mean(name, peers))
    return peers[name]


def find_peer(peer: Peer, folders: Iterable[str | Path] = ()) -> Path | None:
    """Look for a peer's file; nothing is imported, nothing is downloaded.

    Args:
        peer: what to look for.
        folders: searched first, with everything below them.

    Returns:
        The file, or None. After the folders come FER_WEIGHTS_DIR, the installed Python
        package that ships it, `node_modules` here, and ~/.hsemotion, where HSEmotion
        keeps its downloads.
    """
    for name in peer.files:
        for path in _places(peer, name, folders):
            if path.is_file():
                return path
    return None


def _places(peer: Peer, name: str, folders) -> Iterator[Path]:
    for folder in folders:
        yield from sorted(Path(folder).expanduser().rglob(name))
    if os.environ.get("FER_WEIGHTS_DIR"):
        yield Path(os.environ["FER_WEIGHTS_DIR"]).expanduser() / name
    found = importlib.util.find_spec(peer.package) if peer.package else None
    for folder in (found and found.submodule_search_locations) or ():
        yield from sorted(Path(folder).rglob(name))
    yield from sorted(Path("node_modules").rglob(name))
    yield Path.home() / ".hsemotion" / name


def _check_peer(peer: Peer) -> None:
    scaling_of(peer.scaling, peer.colour)
    if peer.outputs not in _OUTPUTS:
        raise ParameterError(
            f"peer {peer.name!r}: outputs={peer.outputs!r}."
            + did_you_mean(peer.outputs, _OUTPUTS)
        )
    names = [fer_labels.canonical(c) for c in peer.classes]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice or len(names) < 2:
        raise ParameterError(
            f"peer {peer.name!r}: expected at least two different classes, received "
            f"{', '.join(peer.classes)}."
        )


def _check_fit(peer: Peer, network: Network, path) -> int:
    """Return the side of the input; raise if file and description disagree."""
    if network.outputs not in (None, len(peer.classes)):
        raise ParameterError(
            f"{path}: the network has {network.outputs} outputs, but the label order "
            f"of peer {peer.name!r} names {len(peer.classes)} classes "
            f"({', '.join(peer.classes)}). Give one class per output, in its order."
        )
    height, width, channels = network.input_shape
    if channels not in (None, COLOURS[peer.colour]):
        raise ParameterError(
            f"{path}: the network takes {channels} channel(s), but colour="
            f"{peer.colour!r} has {COLOURS[peer.colour]}."
        )
    side = peer.side or height
    if side is None or height not in (None, side) or width not in (None, side):
        raise ParameterError(
            f"{path}: the network takes {height} x {width} pixels, peer {peer.name!r} "
            f"says side={peer.side}. Give the side that it was trained with."
        )
    return side


def _checked_outputs(outputs: np.ndarray, peer: Peer) -> np.ndarray:
    from scipy.special import softmax

    if peer.outputs == "logits":
        return softmax(outputs.astype(np.float64), axis=1)
    total = outputs.sum(1)
    if (outputs < -1e-3).any() or not np.allclose(total, 1, atol=0.02):
        raise ParameterError(
            f"peer {peer.name!r}: its outputs are no probabilities (a row sums to "
            f"{total[np.abs(total - 1).argmax()]:.3g}). If they are scores before the "
            "softmax, describe it with outputs='logits'."
        )
    return outputs.clip(0)
