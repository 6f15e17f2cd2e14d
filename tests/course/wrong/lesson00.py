"""Typical wrong answers of lesson 00: code in place of the solution, and its hint."""

WRONG = {
    "q00_1": [
        ("statements = {'A', 'B', 'D'}", "Did anybody ask the pictured people"),
        ("statements = {'B', 'C', 'D'}", "from where in the world"),
        ("statements = {'D'}", "What, then, is it able to foretell"),
        ("statements = {'B'}", "the same as always"),
        ("statements = 90", "Expected letters"),
    ],
    "q00_2": [
        ("share = 1 / 7", "a blind draw"),
        ("share = 25", "between 0 and 1"),
        ("share = 0.05", "cannot be"),
        ("share = 0.6", "more than it is"),
        ("share = 'happy'", "Expected one number"),
    ],
    "q00_3": [
        (
            "def agreement(mine, theirs):\n"
            "    return sum(a == b for a, b in zip(mine, theirs))",
            "That counts the faces",
        ),
        (
            "def agreement(mine, theirs):\n"
            "    return 100 * sum(a == b for a, b in zip(mine, theirs)) / len(mine)",
            "in per cent",
        ),
        (
            "def agreement(mine, theirs):\n"
            "    return sum(a != b for a, b in zip(mine, theirs)) / len(mine)",
            "how often the two differ",
        ),
        (
            "def agreement(mine, theirs):\n"
            "    a, b = set(mine), set(theirs)\n"
            "    return len(a & b) / len(a | b)",
            "belongs to the first face",
        ),
        ("def agreement(mine, theirs):\n    return mine == theirs", "as a whole"),
        (
            "def agreement(mine, theirs):\n"
            "    return sum(a == b for a, b in zip(mine, theirs)) / len(mine)",
            "capitals and blanks",
        ),
        (
            "def agreement(mine, theirs):\n"
            "    mine = [word.strip().lower() for word in mine]\n"
            "    theirs = [word.strip().lower() for word in theirs]\n"
            "    return sum(a == b for a, b in zip(mine, theirs)) / len(mine)",
            "stops at the shorter list",
        ),
        (
            "def agreement(mine, theirs):\n"
            "    mine = [word.strip().lower() for word in mine]\n"
            "    theirs = [word.strip().lower() for word in theirs]\n"
            "    same = [mine[i] == theirs[i] for i in range(len(mine))]\n"
            "    return sum(same) / len(same)",
            "raised IndexError",
        ),
        (
            "def agreement(mine, theirs):\n"
            "    print(sum(a == b for a, b in zip(mine, theirs)) / len(mine))",
            "gave nothing back",
        ),
        (
            "def agreement(mine, theirs):\n    return mine.count(theirs) / mean(mine)",
            "Your code stopped with NameError",
        ),
        ("agreement = 0.5", "without a call"),
    ],
    "q00_4": [
        ("which = int(np.argmax(confidence))", "the data set says so, too"),
        (
            "wrong = guess != test.labels\n"
            "which = np.flatnonzero(wrong)[np.argmin(confidence[wrong])]",
            "% sure",
        ),
        ("which = np.flatnonzero(guess != test.labels)", "the number of one face"),
        ("which = len(test)", "a whole number from 0"),
        ("which = 0.93", "received 0.93"),
    ],
    "q00_5": [
        ("picture = np.full((48, 48), 128, np.uint8)", "One grey everywhere"),
        ("picture = test.pixels[7].copy()", "nearly test face 7"),
        ("picture = np.zeros((48, 48))", "received float64"),
        ("picture = np.zeros((64, 64), np.uint8)", "received (64, 64)"),
        (
            "picture = np.full((48, 48), 128, np.uint8)\npicture[:, ::4] = 255",
            "Move your edges",
        ),
    ],
    "q00_6": [
        ("no_to = {'A', 'B', 'C', 'E'}", "those who would rather not"),
        ("no_to = {'A', 'C', 'D', 'E'}", "claim more than was measured"),
        ("no_to = {'C', 'E'}", "does a good intention change the place"),
        ("no_to = {'A', 'E'}", "could one of them refuse"),
        ("no_to = {'A', 'C'}", "What does the app claim to know"),
        ("no_to = 'all'", "Expected letters"),
    ],
}
