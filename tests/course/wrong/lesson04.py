"""Typical wrong answers of lesson 04: code in place of the solution, and its hint."""

WRONG = {
    "q04_1": [
        ("grid = {48: 2, 96: 3, 224: 7}", "not rounded up"),
        ("grid = {48: 3, 96: 6, 224: 14}", "one halving is missing"),
        ("grid = {48: 1, 96: 9, 224: 49}", "along one side"),
        ("grid = {48: 9, 96: 19, 224: 44}", "divides by five"),
        ("grid = {48: 1.5, 96: 3.0, 224: 7.0}", "a grid has whole cells"),
        ("grid = {48: 1, 96: 4, 224: 7}", "For 96 you wrote 4"),
        ("grid = [1, 3, 7]", "Expected a dict"),
    ],
    "q04_2": [
        ("megabytes, times = 224 * 224 * 3 * 4 / 1e6, 65.3", "A batch has 32"),
        ("megabytes, times = 32 * 224 * 224 * 3 / 1e6, 65.3", "counts the numbers"),
        ("megabytes, times = 32 * 224 * 224 * 4 / 1e6, 65.3", "three channels"),
        ("megabytes, times = 32 * 224 * 224 * 3 * 4 / 1e9, 65.3", "is gigabytes"),
        ("megabytes, times = 500, 65.3", "faces x height x width"),
        ("megabytes, times = 19.3, (224 / 48) ** 2", "compares pixels"),
        ("megabytes, times = 19.3, 224 / 48", "compares the sides"),
    ],
    "q04_3": [
        (
            "def prepare_fine_tuning(model):\n"
            "    model.get_layer('backbone').trainable = True",
            "statistics of a million photographs",
        ),
        (
            "def prepare_fine_tuning(model):\n"
            "    for layer in model.get_layer('backbone').layers:\n"
            "        if isinstance(layer, keras.layers.BatchNormalization):\n"
            "            layer.trainable = False",
            "the backbone is still frozen",
        ),
        (
            "def prepare_fine_tuning(model):\n"
            "    model.get_layer('backbone').trainable = True\n"
            "    for layer in model.get_layer('backbone').layers:\n"
            "        layer.trainable = False",
            "switch off more than the batch norm",
        ),
        (
            "def prepare_fine_tuning(model):\n"
            "    model.get_layer('backbone').trainable = True\n"
            "    for layer in model.get_layer('backbone').layers:\n"
            "        if layer.name.endswith('_bn'):\n"
            "            layer.trainable = False",
            "Do their *names* tell",
        ),
        (
            "def prepare_fine_tuning(model):\n"
            "    model.get_layer('backbone').trainable = True\n"
            "    model.get_layer('logits').trainable = False",
            "The head does not learn any more",
        ),
        ("prepare_fine_tuning = True", "Expected the function"),
    ],
    "q04_4": [
        ("plan = training.TrainConfig(epochs=5)", "freeze_backbone_epochs=0"),
        (
            "plan = training.TrainConfig(epochs=5, freeze_backbone_epochs=5)",
            "the second phase never comes",
        ),
        (
            "plan = training.TrainConfig(epochs=5, freeze_backbone_epochs=2,\n"
            "    learning_rate=3e-3, fine_tune_learning_rate=3e-3)",
            "much smaller steps",
        ),
        (
            "plan = training.TrainConfig(epochs=5, freeze_backbone_epochs=2,\n"
            "    learning_rate=1e-5, fine_tune_learning_rate=1e-6)",
            "It has nothing to lose",
        ),
        (
            "plan = training.TrainConfig(epochs=5, freeze_backbone_epochs=2,\n"
            "    learning_rate=1.0, fine_tune_learning_rate=1e-3)",
            "jump about",
        ),
        (
            "plan = training.TrainConfig(epochs=5, freeze_backbone_epochs=2,\n"
            "    learning_rate=3e-3, fine_tune_learning_rate=1e-8)",
            "changes nothing",
        ),
    ],
    "q04_5": [
        (
            "def restrict(probs, columns):\n    return probs[:, columns]",
            "sum to one in *each* row",
        ),
        (
            "def restrict(probs, columns):\n"
            "    kept = np.exp(probs[:, columns])\n"
            "    return kept / kept.sum(1, keepdims=True)",
            "the ratios are not those of before",
        ),
        (
            "def restrict(probs, columns):\n"
            "    kept = probs[:, columns]\n"
            "    return kept / kept.sum(1, keepdims=True)",
            "nothing is left to divide by",
        ),
        (
            "def restrict(probs, columns):\n"
            "    kept = probs[:, columns]\n"
            "    return kept / np.maximum(kept.sum(1, keepdims=True), 1e-9)",
            "equal shares",
        ),
        (
            "def restrict(probs, columns):\n"
            "    kept = probs[:, sorted(columns)]\n"
            "    return kept / kept.sum(1, keepdims=True)",
            "not in the order",
        ),
        (
            "def restrict(probs, columns):\n"
            "    for c in range(probs.shape[1]):\n"
            "        if c not in columns:\n"
            "            probs[:, c] = 0\n"
            "    return probs / probs.sum(1, keepdims=True)",
            "changed the probabilities",
        ),
        (
            "def restrict(probs, columns):\n"
            "    kept = probs * np.isin(np.arange(probs.shape[1]), columns)\n"
            "    return kept / kept.sum(1, keepdims=True)",
            "came the shape (20, 7)",
        ),
        (
            "def restrict(probs, columns):\n"
            "    kept = probs[:, columns]\n"
            "    return kept / kept.sum()\n",
            "All 20 rows *together*",
        ),
    ],
    "q04_6": [
        ("statements = {'A', 'B', 'C'}", "Did it learn anything"),
        ("statements = {'B', 'C', 'D'}", "never looks at the face"),
        ("statements = {'C'}", "column of the majority guess"),
        ("statements = {'B'}", "Compare the number of faces"),
        ("statements = {'yes'}", "Expected letters"),
    ],
}
