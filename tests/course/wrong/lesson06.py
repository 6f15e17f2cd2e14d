"""Typical wrong answers of lesson 06, each with a part of the hint it must get."""

_IOU = """
def overlap(a, b):
    width = {clip}min(a[2], b[2]) - max(a[0], b[0]){end}
    height = {clip}min(a[3], b[3]) - max(a[1], b[1]){end}
    shared = width * height
    area_a, area_b = ((c[2] - c[0]) * (c[3] - c[1]) for c in (a, b))
    return {result}
"""


def _iou(result, clip="max(0, ", end=")"):
    return _IOU.format(result=result, clip=clip, end=end)


_BY_FRAME = """
def smooth(probs, seconds, time_constant):
    if time_constant == 0:
        return probs
    smoothed = probs.copy()
    for i in range(1, len(probs)):
        smoothed[i] = {body}
    return smoothed
"""
_MEAN = """
def smooth(probs, seconds, time_constant):
    out = np.zeros(probs.shape)
    for i in range(len(probs)):
        w = {weights}
        out[i] = w @ probs[: i + 1]{divided}
    return out
"""
_AGE = "np.exp(-(seconds[i] - seconds[: i + 1]) / time_constant)"

WRONG = {
    "q06_1": [
        (_iou("shared / (area_a + area_b)"), "shared rectangle is counted twice"),
        (_iou("shared / area_a"), "divide by the area of one box. The"),
        (_iou("shared"), "size of the shared rectangle in pixels"),
        (
            _iou("shared / (area_a + area_b - shared)", "(", ")"),
            "no pixel in common",
        ),
        (_iou("shared / (area_a + area_b - shared)"), "nothing to divide by"),
        (
            "def overlap(a, b):\n    return abs(np.array(a) - np.array(b))",
            "Expected one number, the overlap",
        ),
    ],
    "q06_2": [
        ("delay = 0", "most of the average still comes from earlier frames"),
        ("delay = 0.6", "faded to 1/e"),
        ("delay = 1.2", "Too late"),
        ("delay = 0.2", "Too early"),
        ("delay = 400", "meant in seconds"),
        ('delay = "0.5 s"', "Expected one number, the delay"),
    ],
    "q06_3": [
        (
            _BY_FRAME.format(body="0.8 * smoothed[i - 1] + 0.2 * probs[i]"),
            "how many frames ago, or on how many seconds ago",
        ),
        (_MEAN.format(weights=_AGE, divided=""), "add up to"),
        (
            _MEAN.format(weights="np.ones(i + 1)", divided=" / w.sum()"),
            "without a frame the old expression",
        ),
        (
            "from scipy.ndimage import gaussian_filter1d\n"
            "def smooth(probs, seconds, time_constant):\n"
            "    return gaussian_filter1d(probs, 3.0, axis=0)\n",
            "looks into the future",
        ),
        (
            _BY_FRAME.format(
                body="probs[i] + np.exp(-(seconds[i] - seconds[i - 1]) / time_constant)"
                " * (smoothed[i - 1] - probs[i])"
            ),
            "less than the older",
        ),
        (
            "def smooth(probs, seconds, time_constant):\n    return probs",
            "nothing was averaged",
        ),
        (_MEAN.format(weights=_AGE, divided=" / w.sum()"), "nothing may be smoothed"),
        (
            "def smooth(probs, seconds, time_constant):\n    return probs[-1]",
            "Expected one row per frame",
        ),
    ],
    "q06_4": [
        ("unsure_below = 0.3", "not yet 90%"),
        ("unsure_below = 0.97", "keeps more of them"),
        ("unsure_below = 65", "lies between 0 and 1"),
        ("unsure_below = 1.0", "no face keeps its label"),
    ],
    "q06_5": [
        ('verdicts = dict.fromkeys("ABCDEF", "prohibited")', "For which reason"),
        (
            'verdicts = dict.fromkeys("ABEF", "not covered")\n'
            'verdicts |= {"C": "not covered", "D": "excepted"}',
            "Think about A",
        ),
        (
            'verdicts = dict.fromkeys("AB", "prohibited")\n'
            'verdicts |= {"C": "excepted", "D": "excepted"}\n'
            'verdicts |= dict.fromkeys("EF", "not covered")',
            "Is agreement one of them",
        ),
        (
            'verdicts = dict.fromkeys("ABCE", "prohibited")\n'
            'verdicts |= {"D": "excepted", "F": "not covered"}',
            "Customers look at a poster",
        ),
        ('verdicts = dict.fromkeys("ABCDEF", "forbidden")', "is no verdict"),
        ('verdicts = {"A": "prohibited"}', "a verdict for each of"),
    ],
}
