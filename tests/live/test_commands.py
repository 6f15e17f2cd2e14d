"""`fer predict|video|webcam|screen` as a person types them."""

import csv
import json

import cv2
import numpy as np
import pytest

from fer_utils import live, models
from fer_utils.cli import main

LABELS = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "tiny.keras"
    built = models.build("compact", classes=LABELS, filters=(4,))
    return str(models.save(built, path))


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    path = tmp_path_factory.mktemp("clips") / "clip.mp4"
    live.face_clip(path, (160, 120), segments=[("happy", 0.4), ("sad", 0.2)])
    return path


def fer(*words, model, detector="none"):
    return main([*map(str, words), "--model", model, "--detector", detector])


def test_a_video_becomes_video_table_lines_and_figure(clip, model, tmp_path, capsys):
    code = fer(
        "video",
        clip,
        *("--out", tmp_path / "out.mp4"),
        *("--csv", tmp_path / "out.csv"),
        *("--jsonl", tmp_path / "out.jsonl"),
        *("--plot", tmp_path / "plot.png"),
        model=model,
    )
    assert code == 0
    out, err = capsys.readouterr()
    assert "15 frames" in out and "AI Act" in err
    with live.VideoFile(clip) as before, live.VideoFile(tmp_path / "out.mp4") as after:
        assert [f.seconds for f in before] == [f.seconds for f in after]
    with open(tmp_path / "out.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 15 and {row["label"] for row in rows} <= set(LABELS)
    lines = (tmp_path / "out.jsonl").read_text().splitlines()
    assert len(lines) == 15 and json.loads(lines[0])
    assert cv2.imread(str(tmp_path / "plot.png")) is not None


def test_without_a_file_name_nothing_is_written(clip, model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert fer("video", clip, model=model) == 0
    assert list(tmp_path.iterdir()) == []


def test_pictures_are_labelled_and_drawn(model, tmp_path, capsys):
    for name in ("a.png", "b.png"):
        cv2.imwrite(str(tmp_path / name), np.full((90, 120, 3), 99, np.uint8))
    files = (tmp_path / "a.png", tmp_path / "b.png")
    assert fer("predict", *files, "--out", tmp_path / "drawn", model=model) == 0
    assert capsys.readouterr().out.count("face 1 at (0, 0)-(120, 90)") == 2
    assert sorted(p.name for p in (tmp_path / "drawn").iterdir()) == ["a.png", "b.png"]


def test_a_picture_without_a_face_is_no_error(model, tmp_path, capsys):
    cv2.imwrite(str(tmp_path / "grey.png"), np.full((90, 120, 3), 99, np.uint8))
    assert fer("predict", tmp_path, model=model, detector="haar") == 0
    assert "no face found" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words, message",
    [
        (["video", "missing.mp4"], "missing.mp4"),
        (["predict", "missing.png"], "missing.png"),
        (["webcam", "--camera", "97"], "camera 97 was not found"),
        (["screen", "--region", "1,2"], "left,top,width,height"),
    ],
)
def test_bad_input_is_named_and_the_code_is_two(words, message, capsys):
    # The model is not even looked for: the source is opened first.
    assert fer(*words, model="no-such-model.keras") == 2
    assert message in capsys.readouterr().err


def test_a_video_is_not_written_over_itself(clip, model, capsys):
    before = clip.read_bytes()
    assert fer("video", clip, "--out", clip, model=model) == 2
    assert "the video itself" in capsys.readouterr().err
    assert clip.read_bytes() == before


def test_a_word_for_every_is_refused(clip, model, capsys):
    assert fer("video", clip, "--every", "often", model=model) == 2
    assert "every" in capsys.readouterr().err
