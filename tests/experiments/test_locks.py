"""`run_lock`: one writer per folder, and a lock that ends with its process."""

import os
import signal
import subprocess
import sys

import pytest

from fer_utils.errors import FerError
from fer_utils.experiments.locks import LockedError, is_locked, owner_of, run_lock

HOLD = """
import sys, time
from fer_utils.experiments.locks import run_lock
with run_lock(sys.argv[1]):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def other_process(tmp_path):
    """A process that holds the folder `run`."""
    command = [sys.executable, "-c", HOLD, str(tmp_path / "run")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_a_free_folder_is_made_held_and_let_go(tmp_path):
    folder = tmp_path / "new" / "run"
    assert not is_locked(folder)
    with run_lock(folder) as held:
        assert held == folder
        assert is_locked(folder)
        assert owner_of(folder)["pid"] == os.getpid()
    assert not is_locked(folder)
    assert owner_of(folder) is None


def test_a_lock_is_let_go_when_the_work_fails(tmp_path):
    with pytest.raises(ZeroDivisionError), run_lock(tmp_path):
        1 / 0  # noqa: B018
    assert not is_locked(tmp_path)


def test_the_message_names_the_process_that_holds_the_folder(tmp_path, other_process):
    with pytest.raises(LockedError) as caught, run_lock(tmp_path / "run"):
        pass
    message = str(caught.value)
    assert f"in use by process {other_process.pid} on " in message
    assert "choose another output folder (--out)" in message
    assert isinstance(caught.value, FerError)


def test_who_waits_gets_the_folder_when_it_is_free(tmp_path, other_process):
    other_process.send_signal(signal.SIGTERM)
    with run_lock(tmp_path / "run", wait=30):
        assert owner_of(tmp_path / "run")["pid"] == os.getpid()


def test_one_process_cannot_hold_a_folder_twice(tmp_path):
    with run_lock(tmp_path), pytest.raises(LockedError), run_lock(tmp_path):
        pass


def test_things_of_one_folder_have_locks_of_their_own(tmp_path):
    with run_lock(tmp_path, "00_start"), run_lock(tmp_path, "01_data"):
        assert is_locked(tmp_path, "00_start")
        assert not is_locked(tmp_path)


@pytest.mark.skipif(os.name != "posix", reason="kill -9 is POSIX")
def test_a_killed_process_leaves_its_word_but_no_lock(tmp_path, other_process):
    assert is_locked(tmp_path / "run")
    other_process.send_signal(signal.SIGKILL)
    other_process.wait()
    assert owner_of(tmp_path / "run")["pid"] == other_process.pid
    assert not is_locked(tmp_path / "run")
    with run_lock(tmp_path / "run"):
        assert owner_of(tmp_path / "run")["pid"] == os.getpid()


def test_an_owner_file_that_says_nothing_is_nobody(tmp_path):
    (tmp_path / ".training.owner.json").write_text('{"pid": ')
    assert owner_of(tmp_path) is None
    with run_lock(tmp_path):
        (tmp_path / ".training.owner.json").unlink()
        with pytest.raises(LockedError, match="in use by another process"):
            run_lock(tmp_path).__enter__()
