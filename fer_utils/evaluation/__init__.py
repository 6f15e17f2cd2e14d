"""From a model's probabilities to honest numbers and figures.

`predict` turns a model and faces into probabilities, `evaluate` turns probabilities and
labels into a `Report`; everything else reads one of the two. Nothing here trains a
model.
"""

from __future__ import annotations

import importlib

_HOMES = {
    "calibration": ("Reliability", "fit_temperature", "reliability"),
    "clusters": ("cluster_interval",),
    "comparison": ("PairedTest", "paired_test"),
    "gradcam": ("GradCam", "grad_cam"),
    "leakage": ("LeakageDemo", "leakage_demo"),
    "metrics": ("Report", "evaluate"),
    "mistakes": (
        "ConfusablePair",
        "Mistakes",
        "SuspectLabels",
        "confusable_pairs",
        "label_issues",
        "suspect_labels",
        "top_mistakes",
    ),
    "peers": ("Peer", "PeerModel", "load_peer"),
    "plots": (
        "AugmentationGallery",
        "ConfusionMatrix",
        "FaceGrid",
        "LearningCurves",
        "PerClass",
        "SplitCounts",
    ),
    "prediction": ("TTA_MODES", "predict", "predict_logits"),
    "transfer": ("Answers", "CrossReport", "cross_evaluate", "cross_report"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = sorted(_HOME_OF)


def __getattr__(name: str):
    if name in _HOME_OF:
        home = importlib.import_module(f"fer_utils.evaluation.{_HOME_OF[name]}")
        return getattr(home, name)
    if name in _HOMES:
        return importlib.import_module(f"fer_utils.evaluation.{name}")
    raise AttributeError(f"module 'fer_utils.evaluation' has no attribute {name!r}")


def __dir__():
    return __all__
