"""Every emotion vocabulary, its published order, and mappings between any two.

This is the only module that knows a class order. Folder loaders meet classes in
alphabetical order, the FER2013 csv numbers them its own way, FER+ another: all of them
ask here. A label is a *perceived expression label*, never a statement about what a
person feels.

Sources of the orders: FER2013, Goodfellow et al. 2013 (arXiv:1307.0414); FER+, Barsoum
et al. 2016 (arXiv:1608.01041); AffectNet, Mollahosseini et al. 2017 (arXiv:1708.03985);
CK+, Lucey et al. 2010; RAF-DB, Li et al. 2017; HSEmotion, Savchenko 2021
(arXiv:2103.17107).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from fer_utils.errors import ParameterError, did_you_mean

__all__ = [
    "AFFECTNET7",
    "AFFECTNET8",
    "CANONICAL",
    "CKPLUS",
    "CKPLUS7",
    "FACEAPI",
    "FER2013",
    "FERPLUS",
    "HSEMOTION7",
    "HSEMOTION8",
    "RAFDB",
    "Vocabulary",
    "canonical",
    "colour",
    "emoji",
    "in_published_order",
    "mapping",
    "vocabularies",
    "vocabulary",
]


@dataclass(frozen=True)
class Vocabulary:
    """A data set's classes in its published order.

    Attributes:
        name: the short name, for example "fer2013".
        classes: canonical class names; the position is the integer label used by the
            kit.
        first_code: the number the data set itself gives to the first class (RAF-DB: 1).
        published: the names as the data set spells them, in the same order.
    """

    name: str
    classes: tuple[str, ...]
    published: tuple[str, ...]
    first_code: int = 0

    def __len__(self) -> int:
        return len(self.classes)

    def index(self, label: str) -> int:
        """Return the integer label of a class name or alias.

        Example:
            >>> FER2013.index("Happiness")
            3
        """
        name = canonical(label)
        if name not in self.classes:
            raise ParameterError(
                f"vocabulary {self.name!r} has no class {label!r}."
                + did_you_mean(label, self.classes)
            )
        return self.classes.index(name)


# Every word that a data set, model or person uses for a class -> the kit's one word.
_ALIASES = {
    "angry": ("anger", "an", "angriness"),
    "disgust": ("disgusted", "di"),
    "fear": ("fearful", "afraid", "scared", "fe"),
    "happy": ("happiness", "joy", "ha"),
    "sad": ("sadness", "sa"),
    "surprise": ("surprised", "su"),
    "neutral": ("neutrality", "ne"),
    "contempt": ("contemptuous", "co"),
}
CANONICAL: tuple[str, ...] = tuple(_ALIASES)
_TO_CANONICAL = {
    alias: name for name, aliases in _ALIASES.items() for alias in (name, *aliases)
}

# Wong's colour-blind-safe palette (Nature Methods 8, 441, 2011), grey for neutral.
_COLOURS = {
    "angry": "#D55E00",
    "disgust": "#009E73",
    "fear": "#CC79A7",
    "happy": "#F0E442",
    "sad": "#0072B2",
    "surprise": "#56B4E9",
    "neutral": "#8C8C8C",
    "contempt": "#E69F00",
}
_EMOJI = {
    "angry": "😠",
    "disgust": "🤢",
    "fear": "😨",
    "happy": "😀",
    "sad": "😢",
    "surprise": "😮",
    "neutral": "😐",
    "contempt": "😏",
}


def canonical(label: str) -> str:
    """Return the kit's name of a class, whatever a data set or person calls it.

    Args:
        label: a class name or alias in any case, for example "Anger" or "happiness".

    Returns:
        One of `CANONICAL`.

    Raises:
        ParameterError: the word is not known.

    Example:
        >>> canonical("Sadness")
        'sad'
    """
    try:
        return _TO_CANONICAL[str(label).strip().lower()]
    except KeyError:
        raise ParameterError(
            f"unknown emotion label {label!r}." + did_you_mean(label, _TO_CANONICAL)
        ) from None


def _make(name: str, published: str, first_code: int = 0) -> Vocabulary:
    words = tuple(published.split())
    return Vocabulary(name, tuple(canonical(w) for w in words), words, first_code)


FER2013 = _make("fer2013", "angry disgust fear happy sad surprise neutral")
FERPLUS = _make(
    "ferplus", "neutral happiness surprise sadness anger disgust fear contempt"
)
AFFECTNET8 = _make(
    "affectnet8", "Neutral Happiness Sadness Surprise Fear Disgust Anger Contempt"
)
AFFECTNET7 = _make(
    "affectnet7", "Neutral Happiness Sadness Surprise Fear Disgust Anger"
)
CKPLUS = _make("ckplus", "neutral anger contempt disgust fear happy sadness surprise")
# The folders of the Kaggle edition: no neutral frames.
CKPLUS7 = _make("ckplus7", "anger contempt disgust fear happy sadness surprise")
RAFDB = _make("rafdb", "Surprise Fear Disgust Happiness Sadness Anger Neutral", 1)
HSEMOTION8 = _make(
    "hsemotion8", "Anger Contempt Disgust Fear Happiness Neutral Sadness Surprise"
)
HSEMOTION7 = _make(
    "hsemotion7", "Anger Disgust Fear Happiness Neutral Sadness Surprise"
)
# face-api.js, a network for browsers.
FACEAPI = _make("faceapi", "neutral happy sad angry fearful disgusted surprised")

_VOCABULARIES = {
    v.name: v
    for v in (
        FER2013,
        FERPLUS,
        AFFECTNET8,
        AFFECTNET7,
        CKPLUS,
        CKPLUS7,
        RAFDB,
        HSEMOTION8,
        HSEMOTION7,
        FACEAPI,
    )
}


def vocabularies() -> tuple[str, ...]:
    """Return the names of all vocabularies."""
    return tuple(_VOCABULARIES)


def vocabulary(name: str) -> Vocabulary:
    """Return the vocabulary of that name.

    Raises:
        ParameterError: no vocabulary has that name.

    Example:
        >>> vocabulary("rafdb").classes[0]
        'surprise'
    """
    try:
        return _VOCABULARIES[name]
    except KeyError:
        raise ParameterError(
            f"unknown vocabulary {name!r}." + did_you_mean(name, _VOCABULARIES)
        ) from None


def mapping(
    source: Vocabulary | Sequence[str], target: Vocabulary | Sequence[str]
) -> tuple[int | None, ...]:
    """Return, for each class of `source`, its integer label in `target`.

    Args:
        source: a vocabulary or class names in order.
        target: a vocabulary or class names in order.

    Returns:
        One entry per source class; None where the target has no such class.

    Example:
        >>> mapping(FERPLUS, FER2013)
        (6, 3, 5, 4, 0, 1, 2, None)
    """
    position = {name: i for i, name in enumerate(_names(target))}
    return tuple(position.get(name) for name in _names(source))


def in_published_order(
    classes: Iterable[str], vocab: Vocabulary = FER2013
) -> tuple[str, ...]:
    """Return class names (any order, any alias) in the order of a vocabulary.

    Example:
        >>> in_published_order(["sad", "Happiness", "fear"])
        ('fear', 'happy', 'sad')
    """
    return tuple(sorted({canonical(c) for c in classes}, key=vocab.index))


def colour(label: str) -> str:
    """Return the colour-blind-safe hex colour of a class, the same in every figure."""
    return _COLOURS[canonical(label)]


def emoji(label: str) -> str:
    """Return the emoji of a class."""
    return _EMOJI[canonical(label)]


def _names(classes: Vocabulary | Sequence[str]) -> tuple[str, ...]:
    words = classes.classes if isinstance(classes, Vocabulary) else classes
    return tuple(canonical(w) for w in words)
