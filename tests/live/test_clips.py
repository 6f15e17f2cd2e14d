"""Clips made by code show what their truth says."""

import cv2
import numpy as np
import pytest

from fer_utils.errors import DataError, ParameterError
from fer_utils.live import clips, sources

SMALL = {"size": (96, 64), "fps": 10}


def read(truth):
    with sources.VideoFile(truth.path) as video:
        return list(video)


@pytest.mark.parametrize("faces", [0, 1, 2, 7])
def test_a_clip_has_the_frames_boxes_and_labels_of_its_truth(tmp_path, faces):
    path = tmp_path / "new folder" / "clip.mp4"
    segments = [("Happiness", 0.5), ("neutral", 0.3)]
    truth = clips.face_clip(path, segments=segments, faces=faces, **SMALL)
    found = read(truth)
    assert len(found) == len(truth.labels) == len(truth.boxes_xyxy) == 8
    np.testing.assert_allclose([f.seconds for f in found], truth.seconds)
    assert truth.segments == (("happy", 0, 5), ("neutral", 5, 8))
    assert truth.notice == "synthetic sample data"
    for frame, boxes, labels in zip(found, truth.boxes_xyxy, truth.labels, strict=True):
        assert frame.image.shape == (64, 96, 3)
        assert (boxes.dtype, boxes.shape) == (np.float32, (faces, 4))
        assert len(labels) == faces
        assert (boxes >= 0).all()
        assert (boxes <= (96, 64, 96, 64)).all()
    if faces > 1:  # the faces differ
        assert truth.labels[0][:2] == ("happy", "neutral")
        assert truth.labels[7][:2] == ("neutral", "happy")


def test_a_face_is_where_the_truth_says(tmp_path):
    """The place of a face differs from the same clip without one, the rest does not."""
    with_face = clips.face_clip(tmp_path / "a.avi", segments=[("sad", 1)], **SMALL)
    nobody = clips.face_clip(tmp_path / "b.avi", segments=[(None, 1)], **SMALL)
    assert nobody.labels == ((),) * 10
    assert nobody.boxes_xyxy[3].shape == (0, 4)
    for one, other, boxes in zip(
        read(with_face), read(nobody), with_face.boxes_xyxy, strict=True
    ):
        change = cv2.absdiff(one.image, other.image).max(2)
        left, top, right, bottom = boxes[0].astype(int)
        assert change[top:bottom, left:right].mean() > 15
        change[top:bottom, left:right] = 0
        # MJPEG blurs across its blocks of eight.
        assert (change > 40).mean() < 0.02


def test_faces_move_smoothly_or_stand(tmp_path):
    kinds = {"fps": 25, "size": (320, 180), "segments": [("fear", 2)]}
    moving = clips.face_clip(tmp_path / "a.mp4", **kinds)
    standing = clips.face_clip(tmp_path / "b.mp4", motion=0, **kinds)
    steps = np.abs(np.diff(np.stack(moving.boxes_xyxy)[:, 0], axis=0))
    assert steps.sum() > 40
    assert steps.max() < 12  # pixels per frame
    assert len({tuple(b[0]) for b in standing.boxes_xyxy}) == 1


def test_the_same_seed_gives_the_same_truth(tmp_path):
    truths = [
        clips.face_clip(tmp_path / f"{i}.mp4", segments=[("sad", 1)], seed=s, **SMALL)
        for i, s in enumerate((3, 3, 4))
    ]
    first, again, other = (np.stack(t.boxes_xyxy) for t in truths)
    assert (first == again).all()
    assert (first != other).any()
    images = [read(t)[0].image for t in truths]
    assert (images[0] == images[1]).all()
    assert (images[0] != images[2]).any()


def test_a_face_can_fill_the_frame(tmp_path):
    truth = clips.face_clip(
        tmp_path / "a.mp4", (48, 48), 5, [("happy", 0.4)], face_height=48
    )
    assert [b.tolist() for b in truth.boxes_xyxy] == [[[0, 0, 48, 48]]] * 2


@pytest.mark.parametrize("shape", [(2, 20, 16), (2, 20, 16, 1), (1, 20, 16, 3)])
def test_given_pictures_are_shown(tmp_path, shape):
    pictures = {
        "anger": np.full(shape, 250, np.uint8),
        "sad": np.full(shape, 5, np.uint8),
    }
    truth = clips.face_clip(
        tmp_path / "a.mp4",
        segments=[("angry", 0.3), ("sad", 0.3)],
        pictures=pictures,
        faces=2,
        **SMALL,
    )
    assert truth.notice == ""
    tones = {"angry": 250, "sad": 5}
    for frame, boxes, labels in zip(
        read(truth), truth.boxes_xyxy, truth.labels, strict=True
    ):
        for (left, top, right, bottom), label in zip(
            boxes.astype(int), labels, strict=True
        ):
            inside = frame.image[top + 6 : bottom - 6, left + 6 : right - 6]
            assert abs(int(inside.mean()) - tones[label]) < 12


def test_an_odd_size_keeps_its_last_row(tmp_path):
    truth = clips.face_clip(tmp_path / "a.avi", (97, 65), 5, [("sad", 0.4)])
    assert read(truth)[0].image.shape == (65, 97, 3)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"path": "a.gif"}, "ends in .mp4 or .avi"),
        ({"size": (97, 64)}, "even for .mp4"),
        ({"size": (8, 8)}, "at least 16"),
        ({"fps": 0}, "above 0"),
        ({"fps": float("nan")}, "above 0"),
        ({"path": "a.avi", "fps": 12.5}, "whole number for .avi"),
        ({"segments": []}, "at least one frame"),
        ({"segments": [("happy", 0)]}, "more than 0 seconds"),
        ({"segments": [("happy", 0.001)]}, "at least one frame"),
        ({"segments": [("bliss", 1)]}, "unknown emotion label 'bliss'"),
        ({"faces": -1}, "at least 0"),
        ({"faces": 1.5}, "at least 0"),
        ({"faces": 500}, "larger frame or fewer"),
        ({"face_height": 65}, "8 to 64"),
        ({"motion": 2}, r"\[0, 1\]"),
        ({"pictures": {}}, r"pictures\['happy'\]: expected uint8"),
        ({"pictures": {"happy": np.zeros((2, 4, 4))}}, "received float64"),
    ],
)
def test_what_cannot_be_made_is_an_error(tmp_path, changes, message):
    options = {"path": "a.mp4", "segments": [("happy", 1)], **SMALL, **changes}
    options["path"] = tmp_path / options["path"]
    with pytest.raises(ParameterError, match=message):
        clips.face_clip(**options)
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_an_error(tmp_path):
    (tmp_path / "a.mp4").mkdir()
    with pytest.raises(DataError, match="cannot be written"):
        clips.face_clip(tmp_path / "a.mp4", segments=[("sad", 1)], **SMALL)
