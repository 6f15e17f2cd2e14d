import json
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from fer_utils.data import cache
from fer_utils.data.cache import cached, content_hash
from fer_utils.data.reading import Bad, Reading


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "some.csv"
    path.write_bytes(b"one")
    return path


def reading(n=3, bad=()):
    return Reading(
        np.arange(n * 4, dtype=np.uint8).reshape(n, 2, 2),
        np.arange(n),
        np.zeros(n, np.int8),
        np.arange(n) * 10,
        bad,
    )


class Reader:
    """Counts how often the source was really read."""

    def __init__(self, result):
        self.result, self.calls = result, 0

    def __call__(self):
        self.calls += 1
        return self.result


def same(a, b):
    for name in ("pixels", "labels", "split", "rows"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
    assert (a.bad, a.noun) == (b.bad, b.noun)


def entries(cache_dir):
    return sorted((cache_dir / "readings-1").iterdir())


@pytest.mark.parametrize("n", [0, 1, 2, 100])  # degenerate sizes first
def test_the_second_load_comes_from_the_cache(source, n):
    read = Reader(reading(n))
    same(cached(source, read), read.result)
    same(cached(source, read), read.result)
    assert read.calls == 1


def test_cached_pixels_are_memory_mapped_and_cannot_be_changed(source):
    pixels = cached(source, Reader(reading())).pixels
    assert isinstance(pixels, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        pixels[0, 0, 0] = 1


def test_the_same_content_at_another_path_is_not_read_again(source, tmp_path):
    read = Reader(reading())
    cached(source, read)
    copy = tmp_path / "copy.csv"
    copy.write_bytes(source.read_bytes())
    cached(copy, read)
    assert read.calls == 1


def test_changed_content_is_read_again(source):
    read = Reader(reading())
    cached(source, read)
    source.write_bytes(b"another")
    cached(source, read)
    assert read.calls == 2


def test_an_unchanged_file_is_not_hashed_again(source, monkeypatch):
    first = content_hash(source)
    monkeypatch.setattr(cache, "_hash_file", lambda path: "hashed again")
    assert content_hash(source) == first
    assert content_hash(source, trust_index=False) == "hashed again"


@pytest.mark.parametrize(
    "damage",
    [
        lambda f: (f / "pixels.npy").write_bytes((f / "pixels.npy").read_bytes()[:-1]),
        lambda f: (f / "pixels.npy").write_bytes(b""),
        lambda f: (f / "pixels.npy").unlink(),
        lambda f: (f / "labels.npy").write_bytes(b"garbage"),
        lambda f: np.save(f / "labels.npy", np.zeros(2, np.int64)),  # too short
        lambda f: np.save(f / "pixels.npy", np.zeros((3, 2, 2))),  # wrong kind
        lambda f: (f / "meta.json").write_text("{"),
        lambda f: (f / "meta.json").write_text("[]"),
        lambda f: (f / "meta.json").write_text(json.dumps({"shapes": {}})),
        lambda f: (f / "meta.json").unlink(),
    ],
)
def test_a_damaged_entry_is_rebuilt(source, cache_dir, damage):
    read = Reader(reading())
    cached(source, read)
    damage(entries(cache_dir)[0])
    same(cached(source, read), read.result)
    assert read.calls == 2
    same(cached(source, read), read.result)
    assert read.calls == 2


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"state": 1}'])
def test_a_damaged_index_costs_one_hashing(source, cache_dir, content):
    digest = content_hash(source)
    (index,) = (cache_dir / "index-1").iterdir()
    index.write_text(content)
    assert content_hash(source) == digest


def test_a_reading_with_bad_rows_has_its_own_key(source, cache_dir):
    read = Reader(reading(bad=(Bad("2", "no"),)))
    cached(source, read)  # strict: the caller refuses it, nothing is kept
    assert not (cache_dir / "readings-1").exists()
    same(cached(source, read, skip_bad=True), read.result)
    same(cached(source, read, skip_bad=True), read.result)
    assert read.calls == 2
    assert [e.name[-9:] for e in entries(cache_dir)] == ["-skip_bad"]
    cached(source, read)
    assert read.calls == 3  # the strict mode does not see it


def test_a_clean_reading_serves_both_modes(source):
    read = Reader(reading())
    cached(source, read)
    cached(source, read, skip_bad=True)
    assert read.calls == 1


def test_loads_at_the_same_time_leave_one_whole_entry(source, cache_dir):
    with warnings.catch_warnings(), ThreadPoolExecutor(4) as pool:
        warnings.simplefilter("error")
        found = list(pool.map(lambda _: cached(source, Reader(reading())), range(8)))
    for one in found:
        same(one, reading())
    assert len(entries(cache_dir)) == 1


def test_a_writer_that_was_killed_leaves_nothing_that_looks_whole(source, cache_dir):
    half = cache_dir / "readings-1" / ".writing-abc"
    half.mkdir(parents=True)
    (half / "pixels.npy").write_bytes(b"half")
    read = Reader(reading())
    same(cached(source, read), read.result)
    assert read.calls == 1


def test_a_cache_that_cannot_be_written_warns_once_and_loads(
    source, tmp_path, monkeypatch
):
    blocker = tmp_path / "file"
    blocker.touch()  # a file where the folder should be: nothing can be made in it
    monkeypatch.setenv("FER_CACHE_DIR", str(blocker))
    cache._warn_unwritable.cache_clear()
    read = Reader(reading())
    with pytest.warns(UserWarning, match="cannot be written .*Set FER_CACHE_DIR"):
        same(cached(source, read), read.result)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        same(cached(source, read), read.result)
    assert read.calls == 2


def test_the_cache_folder_is_the_users_own_unless_told_otherwise(monkeypatch, tmp_path):
    assert cache.cache_dir() == tmp_path / "cache"
    monkeypatch.delenv("FER_CACHE_DIR")
    assert cache.cache_dir().name in ("fer_utils", "Cache")
