"""Embedded sample data: drawn grey faces, for lessons without a download.

The faces are drawn from facial action units (Ekman & Friesen, Facial Action Coding
System, 1978) in the combinations of EMFACS (Friesen & Ekman 1983); nobody's photo is in
them. Numbers reached on them say nothing about real faces: each set carries a `notice`
for figures and tables.
"""

from fer_utils.data.synthetic.people import ACTION_UNITS, EXPRESSIONS, OCCLUSIONS
from fer_utils.data.synthetic.sampling import NOTICE, draw_faces, synthetic

__all__ = [
    "ACTION_UNITS",
    "EXPRESSIONS",
    "NOTICE",
    "OCCLUSIONS",
    "draw_faces",
    "synthetic",
]
