"""Typical wrong answers of lesson 02: code in place of the solution, and its hint."""

_DENSE = "first_convolution, first_dense = 320, "
_CONVOLVE = (
    "def convolve(image, kernel):\n"
    "    r, c = np.array(kernel.shape) // 2\n"
    "    padded = np.pad(image.astype(float), ((r, r), (c, c)){mode})\n"
    "    result = np.zeros(image.shape)\n"
    "    for i, j in np.ndindex(*kernel.shape):\n"
    "        h, w = image.shape\n"
    "        result += {weight} * padded[i : i + h, j : j + w]\n"
    "    return result"
)
_BLOCK = (
    "def residual_block(x, filters):\n"
    "    past = {past}\n"
    "    y = norm(conv(layers.ReLU()(norm(conv(x, filters))), filters))\n"
    "    return layers.ReLU()(layers.Add()([past, y]))\n"
    "widths = {widths}"
)
_PAST = "x if x.shape[-1] == filters else conv(x, filters, 1)"

WRONG = {
    "q02_1": [
        ("first_convolution, first_dense = 288, 294976", "Each filter adds one number"),
        ("first_convolution, first_dense = 10, 294976", "one filter with its bias"),
        ("first_convolution, first_dense = 896, 294976", "The face is grey"),
        (
            "first_convolution, first_dense = 48 * 48 * 288, 294976",
            "counts the *computing*",
        ),
        ("first_convolution, first_dense = 1000, 294976", "one bias more"),
        (_DENSE + "6 * 6 * 128 * 64", "Each output adds a bias"),
        (_DENSE + "129 * 64", "that takes one place"),
        (_DENSE + "(48 * 48 * 128 + 1) * 64", "the size of the face"),
        (_DENSE + "(12 * 12 * 128 + 1) * 64", "one halving is missing"),
        (_DENSE + "5000", "how many numbers come in"),
        ("first_convolution, first_dense = 'many', 1", "Expected one number"),
    ],
    "q02_2": [
        ("missed_most = 'happy'", "found *best*"),
        ("missed_most = 'sad'", "are found less often"),
        ("missed_most = 'tired'", "not a label of this network"),
        ("missed_most = 3", "Expected one label as a word"),
    ],
    "q02_3": [
        (
            _CONVOLVE.format(mode="", weight="kernel[::-1, ::-1][i, j]"),
            "turned round",
        ),
        (
            _CONVOLVE.format(mode=', mode="wrap"', weight="kernel[i, j]"),
            "the other side of the image",
        ),
        (
            _CONVOLVE.format(mode=', mode="edge"', weight="kernel[i, j]"),
            "the last pixel is repeated",
        ),
        (
            _CONVOLVE.format(mode=', mode="reflect"', weight="kernel[i, j]"),
            "the inside is right",
        ),
        (
            _CONVOLVE.format(mode="", weight="abs(kernel[i, j])"),
            "not even inside",
        ),
        (
            "def convolve(image, kernel):\n"
            "    look = np.lib.stride_tricks.sliding_window_view\n"
            "    windows = look(image.astype(float), kernel.shape)\n"
            "    return np.einsum('hwij,ij->hw', windows, kernel)",
            "give the image a border",
        ),
        (
            "def convolve(image, kernel):\n"
            "    r, c = np.array(kernel.shape) // 2\n"
            "    padded = np.pad(image, ((r, r), (c, c)))\n"
            "    result = np.zeros_like(image)\n"
            "    h, w = image.shape\n"
            "    for i, j in np.ndindex(*kernel.shape):\n"
            "        part = kernel[i, j] * padded[i : i + h, j : j + w]\n"
            "        result += part.astype(int).astype(np.uint8)\n"
            "    return result",
            "200 + 100 is 44",
        ),
        (
            "def convolve(image, kernel):\n    return image * kernel",
            "Your code stopped with ValueError",
        ),
        (
            "def convolve(image, kernel):\n    image[:] = 0\n    return image",
            "changed the image",
        ),
        ("def convolve(image, kernel):\n    print(kernel)", "nothing back"),
    ],
    "q02_4": [
        (
            "def residual_block(x, filters):\n"
            "    y = norm(conv(layers.ReLU()(norm(conv(x, filters))), filters))\n"
            "    return layers.ReLU()(y)\n"
            "widths = (32, 64)",
            "its input is lost",
        ),
        (
            "def residual_block(x, filters):\n"
            "    y = norm(conv(layers.ReLU()(norm(conv(x, filters))), filters))\n"
            "    return layers.ReLU()(layers.Concatenate()([x, y]))\n"
            "widths = (32, 64)",
            "side by side",
        ),
        (_BLOCK.format(past="x", widths="(16, 16)"), "the two ways cannot be added"),
        (
            _BLOCK.format(past="conv(x, filters, 1)", widths="(32, 64)"),
            "let it pass as it is",
        ),
        (_BLOCK.format(past=_PAST, widths="(128, 256)"), "are allowed"),
        (_BLOCK.format(past=_PAST, widths="()"), "`widths` is empty"),
        (
            "def residual_block(x, filters):\n"
            "    past = x if x.shape[-1] == filters else conv(x, filters, 1)\n"
            "    return layers.ReLU()(layers.Add()([past, norm(conv(x, filters))]))\n"
            "widths = (32, 64)",
            "The way through has two",
        ),
        (
            "def residual_block(x, filters):\n    y = conv(x, filters)\n"
            "widths = (32, 64)",
            "gave nothing back",
        ),
    ],
    "q02_5": [
        (
            "diagnoses = dict.fromkeys('ABC', 'by heart')",
            "nearly always right on them",
        ),
        (
            "diagnoses = dict.fromkeys('ABC', 'stopped too early')",
            "Would more epochs help val",
        ),
        ("diagnoses = dict.fromkeys('ABC', 'too small steps')", "hardly anything"),
        ("diagnoses = dict.fromkeys('ABC', 'too large steps')", "Does it jump"),
        ("diagnoses = dict.fromkeys('ABC', 'bad luck')", "not one of the diagnoses"),
        ("diagnoses = 'by heart'", "a diagnosis for each"),
    ],
}
