"""Typical wrong answers of lesson 09: code in place of the solution, and its hint."""

_STEP = "def quantise(x):\n    step = float(np.abs(x).max()) / 127 or 1.0\n"

WRONG = {
    "q09_1": [
        ("float32, float16, int8 = 38.4, 19.2, 9.6", "mega*bits*"),
        ("float32, float16, int8 = 4_800_000, 2_400_000, 1_200_000", "these are bytes"),
        ("float32, float16, int8 = 1.2, 2.4, 4.8", "in the other order"),
        ("float32, float16, int8 = 1.2, 1.2, 1.2", "float32: 1.2 MB"),
        ("float32, float16, int8 = 4.8, 4.8, 1.2", "float16: 4.8 MB"),
        ("float32, float16, int8 = '4.8 MB', 2.4, 1.2", "Expected one number"),
    ],
    "q09_2": [
        (
            _STEP + "    return (x / step).astype(np.int8), step",
            "A cast to",
        ),
        (
            "def quantise(x):\n    step = float(np.abs(x).max()) / 100 or 1.0\n"
            "    return np.round(x / step).astype(np.int8), step",
            "It should sit on the last mark",
        ),
        (
            "def quantise(x):\n    step = float(x.max()) / 127 or 1.0\n"
            "    return np.round(x / step).astype(np.int8), step",
            "ran over the end",
        ),
        (
            "def quantise(x):\n    step = float(np.abs(x).max()) / 127\n"
            "    return np.round(x / step).astype(np.int8), step",
            "Nothing must be divided by zero",
        ),
        (
            _STEP + "    return np.round(x / step), step",
            "q is float64",
        ),
        (
            _STEP + "    return np.round(x / step).astype(np.int8) * step",
            "Expected (q, step)",
        ),
        (
            _STEP + "    return np.round(x / step).astype(np.int8).ravel()[:2], step",
            "has the shape (2,)",
        ),
    ],
    "q09_3": [
        ("end = calibration.max()", "That is the largest value"),
        ("end = calibration.max() * 2", "beyond the largest value"),
        ("end = float(np.median(calibration[calibration > 0])) / 4", "too many"),
        ("end = calibration.max() * 0.995", "You are on the way"),
        ("end = 0", "needs a length"),
        ("end = 'the 99th percentile'", "Expected one number"),
    ],
    "q09_4": [
        ("sentences = {'A', 'B', 'C'}", "Which number of the one"),
        ("sentences = {'B', 'C', 'D'}", "What are the test faces for"),
        ("sentences = {'B', 'C', 'E'}", "Was the *file* measured"),
        ("sentences = {'B', 'C', 'F'}", "When does the first one"),
        ("sentences = {'C'}", "what is missing in it"),
        ("sentences = {'B'}", "Is there a reason to hide it"),
    ],
}
