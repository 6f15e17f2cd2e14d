"""Typical wrong answers of lesson 03: code in place of the solution, and its hint."""

_RATE = (
    "def rate(step, steps, warmup, peak):\n"
    "    if step < warmup:\n"
    "        return peak * step / warmup\n"
    "    done = (step - warmup) / (steps - warmup)\n"
    "    return "
)
_MIX = (
    "def mixup(images, targets, shares, order):\n"
    "    images = images.astype(float)\n"
    "    own = shares[:, None, None]\n"
    "    mixed = own * images + (1 - own) * images[order]\n"
    "    own = shares[:, None]\n"
    "    return mixed, "
)

WRONG = {
    "q03_1": [
        ("would_do = {'A', 'B', 'C', 'D'}", "Would anybody show"),
        ("would_do = {'A', 'C', 'D', 'E'}", "do fear and surprise differ"),
        ("would_do = {'A', 'C', 'D', 'F'}", "What is `val` for"),
        ("would_do = {'C', 'D'}", "Does a mirrored face"),
        ("would_do = {'A', 'D'}", "How straight do people"),
        ("would_do = {'A', 'C'}", "the light in the room"),
        ("would_do = True", "Expected letters"),
    ],
    "q03_2": [
        (
            "predicted = {1e-6: 'fallen', 1e-3: 'fallen', 10.0: 'exploded'}",
            "a small correction of a weight",
        ),
        (
            "predicted = dict.fromkeys((1e-6, 1e-3), 'hardly moved')\n"
            "predicted[10.0] = 'exploded'",
            "over two hundred",
        ),
        (
            "predicted = {1e-6: 'hardly moved', 1e-3: 'exploded', 10.0: 'exploded'}",
            "throw the weights far off",
        ),
        (
            "predicted = {1e-6: 'hardly moved', 1e-3: 'fallen', 10.0: 'fallen'}",
            "10: you wrote “fallen”",
        ),
        ("predicted = dict.fromkeys((1e-6, 1e-3, 10.0), 'good')", "is not one of"),
        ("predicted = 'fallen'", "an outcome for each"),
    ],
    "q03_3": [
        (
            "harder = training.Recipe(rotation=20)\nbreaks_first = 'surprise'",
            "Turn it up",
        ),
        (
            "harder = training.Recipe(contrast=0.9)\nbreaks_first = 'surprise'",
            "cannot be made hard enough",
        ),
        (
            "harder = training.Recipe(rotation=90, shear=1.0)\nbreaks_first = 'sad'",
            "you know which one did it",
        ),
        ("harder = 'heavy'\nbreaks_first = 'sad'", "Expected a training.Recipe"),
        (
            "harder = training.Recipe(rotation=90)\nbreaks_first = ...",
            "which label breaks first",
        ),
        (
            "harder = training.Recipe(rotation=90)\n"
            "breaks_first = falls(harder)[1].idxmin()",
            "what they *lost*",
        ),
        (
            "harder = training.Recipe(rotation=90)\nbreaks_first = 'tired'",
            "labels that are counted",
        ),
    ],
    "q03_4": [
        (
            "def rate(step, steps, warmup, peak):\n"
            "    return peak * (1 + np.cos(np.pi * step / steps)) / 2",
            "Where does the straight line begin",
        ),
        (
            "def rate(step, steps, warmup, peak):\n"
            "    if step < warmup:\n"
            "        return peak * step / warmup\n"
            "    return peak * (1 + np.cos(np.pi * step / steps)) / 2",
            "From which step does your cosine count",
        ),
        (
            "def rate(step, steps, warmup, peak):\n"
            "    if step < warmup:\n"
            "        return peak * (step / warmup) ** 2\n"
            "    done = (step - warmup) / (steps - warmup)\n"
            "    return peak * (1 + np.cos(np.pi * done)) / 2",
            "no straight line",
        ),
        (_RATE + "peak * (1 - done)", "on a straight line"),
        (_RATE + "peak * np.cos(np.pi * done / 2)", "quarter of a wave"),
        (_RATE + "peak * np.cos(np.pi * done)", "becomes negative"),
        (_RATE + "peak * (1 + np.cos(2 * np.pi * done)) / 2", "*rises* again"),
        (_RATE + "peak * (1 + np.cos(done)) / 2", "half way down"),
        (
            "def rate(step, steps, warmup, peak):\n"
            "    if step <= warmup:\n"
            "        return peak * step / warmup\n"
            "    done = (step - warmup) / (steps - warmup)\n"
            "    return peak * (1 + np.cos(np.pi * done)) / 2",
            "divides by zero",
        ),
        ("rate = 0.001", "without a call"),
    ],
    "q03_5": [
        (_MIX + "targets", "still those of before"),
        (
            _MIX + "own * targets + targets[order]",
            "do not sum to one",
        ),
        (_MIX + "(1 - own) * targets + own * targets[order]", "another share"),
        (
            "def mixup(images, targets, shares, order):\n"
            "    own = 1 - shares[:, None, None]\n"
            "    mixed = own * images + (1 - own) * images[order]\n"
            "    return mixed, targets",
            "should stay as it is",
        ),
        (
            "def mixup(images, targets, shares, order):\n"
            "    own = shares[:, None, None]\n"
            "    mixed = own * images + (1 - own) * images[order]\n"
            "    return mixed.astype(np.uint8), targets",
            "parts of grey values",
        ),
        (
            "def mixup(images, targets, shares, order):\n"
            "    own = shares.mean()\n"
            "    mixed = own * images + (1 - own) * images[order]\n"
            "    return mixed, own * targets + (1 - own) * targets[order]",
            "with one share",
        ),
        (
            "def mixup(images, targets, shares, order):\n"
            "    mixed = shares * images + (1 - shares) * images[order]\n"
            "    return mixed, targets",
            "Your code stopped with ValueError",
        ),
        (
            "def mixup(images, targets, shares, order):\n"
            "    targets *= shares[:, None]\n"
            "    return images.astype(float), targets",
            "changed what it was given",
        ),
        (
            "def mixup(images, targets, shares, order):\n    return images",
            "mixed images and mixed targets",
        ),
    ],
}
