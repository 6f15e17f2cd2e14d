import numpy as np
import pytest

from fer_utils.data.image_tree import grey_image


def test_a_grey_png_comes_back_bit_exact(tiny):
    np.testing.assert_array_equal(
        grey_image(tiny.jpeg(tiny.pixels[0], "PNG"), 48), tiny.pixels[0]
    )


@pytest.mark.parametrize("mode", ["L", "RGB"])  # some copies store grey as colour
def test_a_jpeg_is_read_as_grey(tiny, mode):
    found = grey_image(tiny.jpeg(tiny.smooth(1), mode=mode), 48)
    assert found.shape == (48, 48) and found.dtype == np.uint8
    difference = found.astype(int) - tiny.smooth(1)
    assert np.abs(difference).mean() < 3


def test_a_jpeg_cut_at_any_length_is_refused(tiny):
    whole = tiny.jpeg(tiny.smooth(2))
    for length in range(1, len(whole), 7):
        with pytest.raises(ValueError, match="expected an image"):
            grey_image(whole[:length], 48)
    with pytest.raises(ValueError, match="damaged"):
        grey_image(whole[:-1], 48)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "an empty file"),
        (b"<html>not found</html>", "something else"),  # a saved error page
        (b"\xff\xd8\xff", "or a damaged file"),  # only jpeg's first bytes
    ],
)
def test_what_is_no_image_is_named(content, reason):
    with pytest.raises(ValueError, match=reason):
        grey_image(content, 48)


@pytest.mark.parametrize("shape", [(47, 48), (48, 49), (1, 1), (224, 224)])
def test_another_size_is_refused(tiny, shape):
    content = tiny.jpeg(np.zeros(shape, np.uint8))
    with pytest.raises(ValueError, match=f"48 x 48 pixels, received {shape[1]} x"):
        grey_image(content, 48)
