"""Typical wrong answers of lesson 08: code in place of the solution, and its hint."""

_FIVE = "winners = dict(A={!r}, B={!r}, C={!r}, D={!r}, E={!r})"
_LEFT = "    left = np.where(votes > 1, votes, 0)\n"

WRONG = {
    "q08_1": [
        (_FIVE.format("happy", "sad", "fear", None, None), "Is that *more* than half"),
        (_FIVE.format("happy", None, None, None, None), "C: you wrote None. 6 votes"),
        (
            _FIVE.format("happy", None, "fear", "no face", None),
            "no expression to",
        ),
        (_FIVE.format("happy", None, "fear", "neutral", None), "the last two columns"),
        (_FIVE.format("happy", None, "fear", None, "contempt"), "holds 4 of 10"),
        (_FIVE.format("glad", None, "fear", None, None), "no word of the table"),
        ("winners = ['happy', None, 'fear', None, None]", "for each of A, B, C, D, E"),
    ],
    "q08_2": [
        (
            "def majority(votes):\n    return votes.argmax(1)",
            "so -1",
        ),
        (
            "def majority(votes):\n" + _LEFT + "    top = left.argmax(1)\n"
            "    ok = 2 * left.max(1) >= left.sum(1)\n"
            "    return np.where(ok & (top < 8), top, -1)",
            "just half",
        ),
        (
            "def majority(votes):\n    top = votes.argmax(1)\n"
            "    ok = 2 * votes.max(1) > votes.sum(1)\n"
            "    return np.where(ok & (top < 8), top, -1)",
            "Drop the votes that stand alone",
        ),
        (
            "def majority(votes):\n" + _LEFT + "    top = left.argmax(1)\n"
            "    return np.where(2 * left.max(1) > left.sum(1), top, -1)",
            "in the last two columns, so it has no label",
        ),
        (
            "def majority(votes):\n    votes[votes < 2] = 0\n"
            "    top = votes.argmax(1)\n"
            "    ok = 2 * votes.max(1) > votes.sum(1)\n"
            "    return np.where(ok & (top < 8), top, -1)",
            "changed the votes",
        ),
        (
            "def majority(votes):\n" + _LEFT + "    left = left[:, :8]\n"
            "    ok = 2 * left.max(1) > left.sum(1)\n"
            "    return np.where(ok, left.argmax(1), -1)",
            "cut off too early",
        ),
        ("def majority(votes):\n    return int(votes[0].argmax())", "has the shape ()"),
        ("majority = 3", "Expected the function majority(votes)"),
    ],
    "q08_3": [
        (
            "def balanced(labels, n, rng):\n    return rng.choice(len(labels), n)",
            "Fair on average is not",
        ),
        (
            "def balanced(labels, n, rng):\n    k = np.unique(labels)\n"
            "    each = [np.flatnonzero(labels == c)[:3] for c in k]\n"
            "    return np.concatenate(each)",
            "Asked for 12 positions",
        ),
        (
            "def balanced(labels, n, rng):\n    k = np.unique(labels)\n"
            "    first = [np.flatnonzero(labels == c)[0] for c in k]\n"
            "    return np.resize(first, n)",
            "only few were ever drawn",
        ),
        (
            "def balanced(labels, n, rng):\n    k = np.unique(labels)\n"
            "    rng = np.random.default_rng(0)\n"
            "    turns = np.arange(n) % len(k)\n"
            "    return np.array([rng.choice(np.flatnonzero(labels == k[t]))"
            " for t in turns])",
            "Draw with `rng`",
        ),
        (
            "def balanced(labels, n, rng):\n"
            "    return np.resize(np.unique(labels), n) * 100",
            "Labels are not positions",
        ),
        (
            "def balanced(labels, n, rng):\n"
            "    return rng.permutation(labels == labels[0])[:n]",
            "received bool",
        ),
    ],
    "q08_4": [
        ("statements = {'A', 'B', 'D', 'E'}", "That is a column"),
        ("statements = {'A', 'C', 'D', 'E'}", "How many faces are there in all"),
        ("statements = {'D', 'E'}", "Read along the row"),
        ("statements = {'A', 'E'}", "How many faces of contempt"),
        ("statements = {'A', 'D'}", "Compare the two diagonal shares"),
        ("statements = 'all'", "Expected letters out of A, B, C, D, E"),
    ],
}
