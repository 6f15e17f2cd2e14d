"""Typical wrong answers of lesson 01: code in place of the solution, and its hint."""

_FOUR = "expressions = dict(A={!r}, B={!r}, C={!r}, D={!r})"

WRONG = {
    "q01_1": [
        ("accuracy, balanced = 90, 50", "lies between 0 and 1"),
        ("accuracy, balanced = 1 / 7, 0.5", "Two are left"),
        (
            "n = two.counts()['test']\n"
            "accuracy, balanced = 0.5, n['angry'] / sum(n.values())",
            "in the other order",
        ),
        (
            "n = two.counts()['test']\naccuracy = n['angry'] / sum(n.values())\n"
            "balanced = accuracy",
            "counts *labels* alike",
        ),
        (
            "n = two.counts()['test']\naccuracy = n['angry'] / sum(n.values())\n"
            "balanced = 1 / 7",
            "How many are left?",
        ),
        (
            "n = two.counts()['test']\naccuracy = n['angry'] / sum(n.values())\n"
            "balanced = 1.0",
            "Take the mean of these shares",
        ),
        (
            "n = two.counts()['test']\naccuracy = n['disgust'] / sum(n.values())\n"
            "balanced = 0.5",
            "the program is *wrong*",
        ),
        ("accuracy, balanced = 0.7, 0.5", "Divide the `test` faces"),
        ("accuracy, balanced = 'angry', 0.5", "Expected one number"),
    ],
    "q01_2": [
        (
            _FOUR.format("fear", "disgust", "surprise", "angry"),
            "A: you wrote fear",
        ),
        (
            _FOUR.format("surprise", "angry", "fear", "disgust"),
            "nose wrinkled",
        ),
        (
            _FOUR.format("surprise", "disgust", "sad", "angry"),
            "C: you wrote sad",
        ),
        (
            _FOUR.format("surprise", "disgust", "fear", "tired"),
            "not one of the six words",
        ),
        ("expressions = ['surprise', 'disgust', 'fear', 'angry']", "a label for each"),
    ],
    "q01_3": [
        (
            "def twins(train, test):\n"
            "    seen = {int(p.sum()) for p in train}\n"
            "    return np.array([int(p.sum()) in seen for p in test], bool)",
            "forgets *where* a value was",
        ),
        (
            "def twins(train, test):\n"
            "    n = min(len(train), len(test))\n"
            "    same = (train[:n] == test[:n]).all(axis=(1, 2))\n"
            "    return np.append(same, np.zeros(len(test) - n, bool))",
            "Compare each test picture with *all* of train",
        ),
        (
            "def twins(train, test):\n"
            "    seen = {p.tobytes() for p in train}\n"
            "    return [i for i, p in enumerate(test) if p.tobytes() in seen]",
            "true or false for each test picture",
        ),
        (
            "def twins(train, test):\n"
            "    seen = {p.tobytes() for p in test}\n"
            "    return np.array([p.tobytes() in seen for p in train], bool)",
            "in its order",
        ),
        (
            "def twins(train, test):\n"
            "    a, b = train.astype(int), test.astype(int)\n"
            "    gap = np.abs(b[:, None] - a[None]).max(axis=(2, 3))\n"
            "    return (gap <= 5).any(axis=1)",
            "one grey value brighter",
        ),
        (
            "def twins(train, test):\n"
            "    seen = {p.tobytes() for p in train}\n"
            "    return np.array([p.tobytes() not in seen for p in test], bool)",
            "the wrong way round",
        ),
        (
            "def twins(train, test):\n"
            "    return np.array([(train == p).any() for p in test], bool)",
            "asks for all of them",
        ),
        (
            "def twins(train, test):\n"
            "    return [int(p.sum()) in train.sum() for p in test]",
            "Your code stopped with TypeError",
        ),
        ("def twins(train, test):\n    print(len(train))", "nothing back"),
        ("twins = 12", "without a call"),
    ],
    "q01_4": [
        ("suspects = np.argsort(contrast)[:200]", "you have time for 60"),
        ("suspects = np.argsort(-roughness)[:60]", "the contrary of rough"),
        ("suspects = np.argsort(roughness)[:60]", "the contrary of smooth"),
        ("suspects = np.argsort(-contrast)[:60]", "Draw what you chose"),
        ("suspects = contrast < 20", "Expected positions"),
        (
            "suspects = np.flatnonzero(~sample.facts['is_face'])[:60]",
            "every one right",
        ),
        (
            "suspects = np.tile(np.argsort(contrast)[:30], 2)",
            "chosen twice",
        ),
    ],
    "q01_5": [
        ("statements = {'A', 'B', 'C'}", "an exam question"),
        ("statements = {'B', 'C', 'D'}", "that does not look"),
        ("statements = {'B', 'C', 'E'}", "ten dice"),
        ("statements = {'C'}", "Is `test` one of them"),
        ("statements = {'B'}", "of them in P's train"),
        ("statements = 'all'", "Expected letters"),
    ],
}
