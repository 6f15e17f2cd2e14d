"""The review where it is used: ten faces judged, the kernel restarted, nothing lost."""

import os

import pytest

from fer_utils.course.review import read_decisions

pytestmark = pytest.mark.browser

# Noise and a model with random weights: it makes mistakes, and starts in a second.
REVIEW = """
import numpy as np
from fer_utils import data, models
from fer_utils.backend import keras
from fer_utils.course.review_widget import ReviewWidget

keras.utils.set_random_seed(0)
faces = data.load("synthetic", n=70).train
model = models.build("shallow_cnn", (48, 48, 1), faces.classes)
review = ReviewWidget(model, faces, "review.csv", reviewer="A", k=12)
review
"""
# Only with FER_TEST_PICTURES: a model that knows the faces, so that there is something
# to see.
SHIPPED = """
from fer_utils import data, load_pretrained
from fer_utils.course.review_widget import ReviewWidget

faces = data.load("synthetic").test
ReviewWidget(load_pretrained("compact-drawn"), faces, "shipped.csv", reviewer="A")
"""
VERDICTS = ("label wrong", "model wrong", "not a face", "ambiguous")


def snapshot(page, name):
    """Keep a picture for a person to look at, where FER_TEST_PICTURES says."""
    folder = os.environ.get("FER_TEST_PICTURES")
    if folder:
        page.wait_for_timeout(400)
        page.screenshot(path=f"{folder}/{name}.png")


def shows(page, text):
    page.locator(".fer-review").get_by_text(text).first.wait_for(timeout=20_000)


def press(page, name):
    page.locator(".fer-review button", has_text=name).click()


@pytest.fixture
def page(chromium):
    with chromium() as browser:
        yield browser.new_page(viewport={"width": 1100, "height": 900})


def test_ten_decisions_survive_a_restart_of_the_kernel(page, lab):
    lab.write("review.ipynb", REVIEW)
    lab.open(page, "review.ipynb", ".fer-review")
    shows(page, "Face 1 of 12")
    for number in range(10):
        press(page, VERDICTS[number % 4])
        shows(page, f"Face {number + 1}: {VERDICTS[number % 4]}.")
    shows(page, "10 decided")
    snapshot(page, "review_ten")
    before = read_decisions(lab.folder / "review.csv")
    assert [d.verdict for d in before] == [VERDICTS[i % 4] for i in range(10)]

    lab.stop_kernels()
    lab.open(page, "review.ipynb", ".fer-review")  # a new kernel, the same cell
    shows(page, "Welcome back: 10 of 12 were decided.")
    shows(page, "Face 11 of 12")
    snapshot(page, "review_after_restart")
    press(page, "Undo")
    shows(page, "Undone: model wrong (face 10).")
    assert read_decisions(lab.folder / "review.csv") == before[:-1]


def test_the_keyboard_alone_is_enough(page, lab):
    lab.write("keys.ipynb", REVIEW.replace("review.csv", "keys.csv"))
    lab.open(page, "keys.ipynb", ".fer-review")
    shows(page, "Face 1 of 12")
    page.locator(".fer-review button", has_text="label wrong").focus()
    page.keyboard.press("Space")
    shows(page, "Face 2 of 12")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")  # on the next face, by the next button
    shows(page, "Face 3 of 12")
    page.keyboard.press("Space")  # the button is still chosen
    shows(page, "Face 4 of 12")
    said = [d.verdict for d in read_decisions(lab.folder / "keys.csv")]
    assert said == ["label wrong", "model wrong", "model wrong"]
    described = page.locator(".fer-review img").first.get_attribute("alt")
    assert described.startswith("A face labelled")


@pytest.mark.skipif(not os.environ.get("FER_TEST_PICTURES"), reason="for pictures only")
def test_the_review_of_a_model_that_knows_the_faces(page, lab):
    lab.write("shipped.ipynb", SHIPPED)
    lab.open(page, "shipped.ipynb", ".fer-review")
    shows(page, "Face 1 of 40")
    snapshot(page, "review_shipped")
    press(page, "label wrong")
    shows(page, "Face 2 of 40")
    page.set_viewport_size({"width": 700, "height": 1000})
    snapshot(page, "review_narrow")
