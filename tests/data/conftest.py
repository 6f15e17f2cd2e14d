"""Eight tiny FER2013 rows in every layout, and a data world of one's own per test."""

import io
import tarfile
from types import SimpleNamespace

import numpy as np
import pytest

USAGES = ("Training", "Training", "PublicTest", "PrivateTest") * 2
CLASSES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
EMOTIONS = (0, 1, 2, 3, 4, 5, 6, 3)
PIXELS = np.random.default_rng(0).integers(0, 256, (8, 48, 48), np.uint8)
# Numbers of one, two and three digits stand next to each other, and at both ends.
PIXELS[0, 0, :6] = (0, 255, 7, 99, 100, 9)
PIXELS[0, -1, -3:] = (10, 200, 5)


@pytest.fixture(autouse=True)
def own_world(tmp_path, monkeypatch):
    """No test may see the real data, the real cache or the checkout's data folder."""
    from fer_utils.data import registry

    monkeypatch.setenv("FER_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("FER_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(registry, "_checkout", lambda: None)
    (tmp_path / "data").mkdir()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")


@pytest.fixture
def data_dir(tmp_path):
    return tmp_path / "data"


@pytest.fixture
def cache_dir(tmp_path):
    return tmp_path / "cache"


def text_of(pixels):
    return " ".join(map(str, np.ravel(pixels)))


def tiny_rows():
    """Return eight rows as [emotion, pixels, usage] strings, to be broken by a test."""
    rows = zip(EMOTIONS, PIXELS, USAGES, strict=True)
    return [[str(emotion), text_of(pixels), usage] for emotion, pixels, usage in rows]


def csv_text(rows, header="emotion,pixels,Usage", order=(0, 1, 2), quote=""):
    lines = [header]
    for row in rows:
        fields = [row[0], f"{quote}{row[1]}{quote}", *row[2:]]
        lines.append(",".join([fields[i] for i in order] + fields[3:]))
    return "\n".join(lines) + "\n"


def add_to_tar(archive, name, content=b"", **changes):
    member = tarfile.TarInfo(name)
    member.size = len(content)
    for attribute, value in changes.items():
        setattr(member, attribute, value)
    archive.addfile(member, io.BytesIO(content))


def jpeg(pixels, form="JPEG", mode="L"):
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(buffer, form, quality=95)
    return buffer.getvalue()


def smooth(i):
    """Return a picture that jpeg keeps nearly unchanged, another for each i."""
    ramp = np.add.outer(np.arange(48), (i + 1) * np.arange(48) // 4)
    return (ramp % 250).clip(0, 250).astype(np.uint8) // 2 + 10 * i


def tiny_tree():
    """Return {relative path: jpeg} of eight images, in no useful order."""
    return {
        f"{'train' if usage == 'Training' else 'test'}/{CLASSES[emotion]}/"
        f"{usage}_{900 - 100 * i}.jpg": jpeg(smooth(i))
        for i, (emotion, usage) in enumerate(zip(EMOTIONS, USAGES, strict=True))
    }


def write_tree(root, files):
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root


@pytest.fixture
def tiny():
    """The helpers above, without importing this file by a path."""
    return SimpleNamespace(
        classes=CLASSES,
        emotions=EMOTIONS,
        usages=USAGES,
        pixels=PIXELS,
        splits=("train", "train", "val", "test") * 2,
        rows=tiny_rows,
        csv_text=csv_text,
        text_of=text_of,
        add_to_tar=add_to_tar,
        jpeg=jpeg,
        smooth=smooth,
        tree=tiny_tree,
        write_tree=write_tree,
    )
