"""Typical wrong answers of lesson 07, each with a part of the hint it must get."""

_BY_IMAGE = """
def split(subjects, seed=0):
    order = np.random.default_rng(seed).permutation(len(subjects))
    quarter = len(subjects) // 4
    return order[quarter:], order[:quarter]
"""
_BY_PERSON = """
def split(subjects, seed=0):
    who = {who}
    tested = np.isin(subjects, who[: {count}])
    return {result}
"""
_BOTH = "np.flatnonzero(~tested), np.flatnonzero(tested)"
_SHUFFLED = "np.random.default_rng(seed).permutation(np.unique(subjects))"


def _person(who=_SHUFFLED, count="len(who) // 4", result=_BOTH):
    return _BY_PERSON.format(who=who, count=count, result=result)


_BOOTSTRAP = """
def bootstrap(right, n_bootstrap=2000, seed=0):
    rng = np.random.default_rng({seed})
    n = len(right)
    means = [rng.choice(right, {size}, {replace}).mean() for _ in range({times})]
    return {result}
"""
_ENDS = "tuple(np.percentile(means, [2.5, 97.5]))"


def _bootstrap(
    seed="seed", size="n", replace="True", times="n_bootstrap", result=_ENDS
):
    return _BOOTSTRAP.format(
        seed=seed, size=size, replace=replace, times=times, result=result
    )


_ECE = """
def ece(probs, labels, n_bins=15):
    confidence, hit = {confidence}, probs.argmax(1) == labels
    number = {number}
    gaps, shares = [], []
    for b in range(n_bins):
        inside = number == b
        if {filled}:
            gaps.append({gap})
            shares.append(inside.mean())
    return {result}
"""
_NUMBER = "np.ceil(confidence * n_bins).astype(int) - 1"
_GAP = "abs(confidence[inside].mean() - hit[inside].mean())"


def _ece(
    confidence="probs.max(1)",
    number=_NUMBER,
    filled="inside.any()",
    gap=_GAP,
    result="float(np.dot(gaps, shares))",
):
    return _ECE.format(
        confidence=confidence, number=number, filled=filled, gap=gap, result=result
    )


WRONG = {
    "q07_1": [
        (_BY_IMAGE, "people have images on both sides"),
        (
            _person(result="np.flatnonzero(~tested)[::2], np.flatnonzero(tested)"),
            "in neither part",
        ),
        (_person(count="1"), "expected about a quarter"),
        (_person(who="np.unique(subjects)"), "Another seed gives the same split"),
        (
            _person(who=_SHUFFLED.replace("seed", "")),
            "nobody could repeat your study",
        ),
        (
            "def split(subjects, seed=0):\n"
            "    start = np.flatnonzero(subjects[1:] != subjects[:-1]) + 1\n"
            "    blocks = np.split(np.arange(len(subjects)), start)\n"
            "    order = np.random.default_rng(seed).permutation(len(blocks))\n"
            "    parts = [blocks[i] for i in order]\n"
            "    quarter = len(parts) // 4\n"
            "    return np.concatenate(parts[quarter:]), "
            "np.concatenate(parts[:quarter])\n",
            "do not stand next to each other",
        ),
        (_person(result="tested"), "Expected two arrays"),
    ],
    "q07_2": [
        (_bootstrap(replace="False"), "drawn without replacement"),
        (
            "def bootstrap(right, n_bootstrap=2000, seed=0):\n"
            "    return tuple(np.percentile(right * 1.0, [2.5, 97.5]))\n",
            "how single answers vary",
        ),
        (
            _bootstrap(result="tuple(np.percentile(means, [5, 95]))"),
            "too narrow",
        ),
        (_bootstrap(size="n // 4"), "too wide"),
        (_bootstrap(seed=""), "Two calls with the same seed"),
        (
            "def bootstrap(right, n_bootstrap=2000, seed=0):\n"
            "    p = right.mean()\n"
            "    half = 1.96 * np.sqrt(p * (1 - p) / len(right))\n"
            "    return p - half, p + half\n",
            "is anything drawn",
        ),
        (
            _bootstrap(result="tuple(100 * np.percentile(means, [2.5, 97.5]))"),
            "not percent",
        ),
        (_bootstrap(result="np.mean(means)"), "Expected (low, high)"),
    ],
    "q07_3": [
        ('verdicts = {1: "A", 2: "A", 3: "A", 4: "B"}', "higher accuracy every time"),
        ('verdicts = dict.fromkeys([1, 2, 3, 4], "open")', "leave every case open"),
        (
            'verdicts = {1: "open", 2: "open", 3: "open", 4: "B"}',
            "give them the same verdict",
        ),
        (
            'verdicts = {1: "A", 2: "open", 3: "open", 4: "A"}',
            "is right less often",
        ),
        (
            'verdicts = {1: "A", 2: "open", 3: "open", 4: "open"}',
            "often be so uneven",
        ),
        ("verdicts = {1: True, 2: False, 3: False, 4: True}", "is no verdict"),
    ],
    "q07_4": [
        ("lead = 0", "You report the luckiest"),
        ("lead = 0.036", "is this number in points"),
        ("lead = 1.4", "too little"),
        ("lead = 10", "too much"),
        ("lead = 73.6", "looks like an accuracy"),
    ],
    "q07_5": [
        (_ece(gap=_GAP.removeprefix("abs")), "A distance has no sign"),
        (
            "def ece(probs, labels, n_bins=15):\n"
            "    right = probs.argmax(1) == labels\n"
            "    return abs(probs.max(1).mean() - right.mean())\n",
            "cancelled out",
        ),
        (_ece(result="float(np.mean(gaps))"), "count alike"),
        (_ece(number="(confidence * n_bins).astype(int)"), "in no bin"),
        (_ece(filled="True"), "The result is not a number"),
        (
            _ece(confidence="probs[np.arange(len(labels)), labels]"),
            "probability of the label",
        ),
        (_ece(result="100 * float(np.dot(gaps, shares))"), "not percent"),
    ],
}
