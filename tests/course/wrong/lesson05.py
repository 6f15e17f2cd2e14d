"""Typical wrong answers of lesson 05: code in place of the solution, and its hint."""

WRONG = {
    "q05_1": [
        ("pair = ('happy', 'happy')", "no confusion"),
        ("pair = ('bored', 'sad')", "not a label of this model"),
        ("pair = 'fear'", "Expected two class names"),
        (
            "last = evaluation.confusable_pairs(report, k=100)[-1]\n"
            "pair = (last.first, last.second)",
            "come as number",
        ),
        (
            "both = report.confusion + report.confusion.T\n"
            "pair = [report.classes[i] for i in np.argwhere(both == 0)[0]]",
            "never took one for the other",
        ),
    ],
    "q05_2": [
        ("def macro_f1(labels, predicted):\n    return 0.5", "which is not the mean"),
        (
            "def macro_f1(labels, predicted):\n    return np.mean(labels == predicted)",
            "each *face* counts alike",
        ),
        (
            "def macro_f1(labels, predicted):\n"
            "    return np.mean([np.mean(labels[predicted == c] == c)\n"
            "                    for c in np.unique(predicted)])",
            "the mean precision",
        ),
        (
            "def macro_f1(labels, predicted):\n"
            "    return np.mean([np.mean(predicted[labels == c] == c)\n"
            "                    for c in np.unique(labels)])",
            "the mean recall",
        ),
        (
            "def macro_f1(labels, predicted):\n"
            "    classes = np.unique(labels)\n"
            "    p = np.mean([np.mean(labels[predicted == c] == c) for c in classes])\n"
            "    r = np.mean([np.mean(predicted[labels == c] == c) for c in classes])\n"
            "    return 2 * p * r / (p + r)",
            "Take the F1 of each class first",
        ),
        (
            "def macro_f1(labels, predicted):\n"
            "    scores = [2 * np.sum((labels == c) & (predicted == c))\n"
            "              / (np.sum(labels == c) + np.sum(predicted == c))\n"
            "              for c in np.unique(labels)]\n"
            "    counts = np.unique(labels, return_counts=True)[1]\n"
            "    return np.average(scores, weights=counts)",
            "a rare class counts as much",
        ),
        (
            "def macro_f1(labels, predicted):\n"
            "    scores = []\n"
            "    for c in np.unique(labels):\n"
            "        hits = np.sum((labels == c) & (predicted == c))\n"
            "        p = np.float64(hits) / np.sum(predicted == c)\n"
            "        r = np.float64(hits) / np.sum(labels == c)\n"
            "        scores.append(2 * p * r / (p + r))\n"
            "    return np.mean(scores)",
            "not a number (nan)",
        ),
        (
            "def macro_f1(labels, predicted):\n"
            "    scores = []\n"
            "    for c in np.unique(predicted):\n"
            "        hits = np.sum((labels == c) & (predicted == c))\n"
            "        total = np.sum(labels == c) + np.sum(predicted == c)\n"
            "        scores.append(2 * hits / total)\n"
            "    return np.mean(scores)",
            "Its F1 is 0, and it counts",
        ),
        (
            "def macro_f1(labels, predicted):\n"
            "    scores = []\n"
            "    for c in range(labels.max() + 1):\n"
            "        hits = np.sum((labels == c) & (predicted == c))\n"
            "        total = np.sum(labels == c) + np.sum(predicted == c)\n"
            "        scores.append(2 * hits / max(total, 1))\n"
            "    return np.mean(scores)",
            "drags the mean down",
        ),
        (
            "from sklearn.metrics import f1_score\n"
            "def macro_f1(labels, predicted):\n"
            "    return f1_score(labels, predicted, average='macro')",
            "scikit-learn's own",
        ),
    ],
    "q05_3": [
        (
            "def surest_mistakes(probs, labels, k):\n"
            "    return np.argsort(-probs.max(1))[:k]",
            "sure, but no mistakes",
        ),
        (
            "def surest_mistakes(probs, labels, k):\n"
            "    wrong = np.flatnonzero(probs.argmax(1) != labels)\n"
            "    return np.argsort(-probs.max(1)[wrong])[:k]",
            "in the list of mistakes",
        ),
        (
            "def surest_mistakes(probs, labels, k):\n"
            "    wrong = np.flatnonzero(probs.argmax(1) != labels)\n"
            "    return wrong[np.argsort(probs.max(1)[wrong])][:k]",
            "*least* sure of",
        ),
        (
            "def surest_mistakes(probs, labels, k):\n"
            "    wrong = np.flatnonzero(probs.argmax(1) != labels)\n"
            "    return wrong[np.argsort(probs[wrong, labels[wrong]])][:k]",
            "Sure of what?",
        ),
        (
            "def surest_mistakes(probs, labels, k):\n"
            "    wrong = np.flatnonzero(probs.argmax(1) != labels)\n"
            "    return wrong[np.argsort(-probs.max(1)[wrong])]",
            "Asked for k=6",
        ),
        (
            "def surest_mistakes(probs, labels, k):\n"
            "    wrong = np.flatnonzero(probs.argmax(1) != labels)\n"
            "    return np.sort(wrong[np.argsort(-probs.max(1)[wrong])][:k])",
            "the surest mistake comes first",
        ),
        (
            "def surest_mistakes(probs, labels, k):\n"
            "    sure = np.where(probs.argmax(1) != labels, probs.max(1), -1)\n"
            "    return np.argsort(-sure)[:k]",
            "Give fewer",
        ),
    ],
    "q05_4": [
        ("five = [431, 248, 5, 25]", "five different numbers"),
        ("five = [431, 248, 5, 25, 412]", "4 of your five labels are wrong"),
        (
            "fine = test.facts['is_face'] & ~test.facts['label_is_wrong']\n"
            "five = np.flatnonzero(fine)[:5]",
            "None of your five labels is wrong",
        ),
        ("five = [431, 248, 5, 25, 5000]", "from 0 to"),
        (
            "blank = np.flatnonzero(~test.facts['is_face'])[0]\n"
            "five = [431, 248, 5, 25, blank]",
            "show no face at all",
        ),
        ("five = ['neutral', 'fear']", "whole numbers"),
    ],
    "q05_5": [
        ("limit = 90", "90 % is 0.9"),
        ("limit = 0.3", "be stricter"),
        ("limit = 0.95", "smaller steps"),
        ("limit = 1.0", "never answers"),
        ("limit = [0.5, 0.9]", "Expected one number"),
    ],
    "q05_6": [
        ("statements = {'A', 'B', 'D'}", "or the questions"),
        ("statements = {'B', 'C', 'D'}", "number of deleted labels"),
        ("statements = {'B'}", "By what rule"),
        ("statements = {'D'}", "What was right about the label"),
        ("statements = 7", "Expected letters"),
    ],
}
