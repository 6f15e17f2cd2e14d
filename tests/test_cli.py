"""The command line: exit codes and messages; the work is tested where it is done."""

import json
import re

import pytest

from fer_utils import cli


def run(capsys, *arguments):
    code = cli.main(list(arguments))
    out, err = capsys.readouterr()
    return code, out, err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "--preset", "quik"], "Did you mean 'quick'"),
        (["run", "--data", "fer2031"], "Did you mean 'fer2013'"),
        (["run", "--only", "nothing*"], "matches nothing"),
        (["run", "--grid", "no.yaml"], "no such grid file"),
        (["data", "check", "fer2031"], "Did you mean 'fer2013'"),
        (["data", "check", "--path", "no.csv"], "no.csv"),
        (["data", "get", "synthetic"], "needs no download"),
    ],
)
def test_bad_input_is_one_clear_line_and_code_2(capsys, arguments, message):
    code, _, err = run(capsys, *arguments)
    assert code == 2
    assert message in err
    assert "Traceback" not in err


def test_a_dry_run_lists_everything_and_runs_nothing(capsys, tmp_path):
    code, out, _ = run(capsys, "run", "--dry-run", "--out", str(tmp_path))
    assert code == 0
    for name in ("00_start_here", "shallow_cnn-light"):
        assert re.search(rf"^{name} +new ", out, re.MULTILINE)
    assert not any(tmp_path.iterdir())


def test_the_list_names_every_set_and_its_terms(capsys):
    code, out, _ = run(capsys, "data", "list")
    assert code == 0
    for name in ("synthetic", "fer2013", "affectnet"):
        assert name in out


def test_a_check_of_drawn_faces_is_green(capsys):
    assert run(capsys, "data", "check", "synthetic-tiny")[0] == 0


def test_bad_rows_are_listed_and_the_rest_is_kept_on_request(capsys, tmp_path):
    grey = " ".join(["7"] * 2304)
    rows = [f"3,{grey},Training", f"3,{grey[:-2]},Training", f"4,{grey},PublicTest"]
    path = tmp_path / "fer2013.csv"
    path.write_text("emotion,pixels,Usage\n" + "\n".join(rows) + "\n")
    code, out, _ = run(capsys, "data", "check", "--path", str(path))
    assert code == 1
    assert "received 2303" in out
    with pytest.warns(UserWarning, match="2303"):
        code, out, _ = run(capsys, "data", "check", "--path", str(path), "--skip-bad")
    assert code == 0
    assert "2 faces" in out


def test_a_report_without_runs_says_so(capsys, tmp_path):
    page = tmp_path / "index.html"
    code, out, _ = run(
        capsys, "report", "--runs", str(tmp_path / "runs"), "--out", str(page)
    )
    assert code == 0
    assert str(page) in out
    assert "no run" in page.read_text().lower()


def test_one_experiment_end_to_end(capsys, tmp_path):
    grid = tmp_path / "grid.yaml"
    experiment = {"name": "a", "epochs": 1, "early_stopping_patience": 0}
    preset = {"lessons": "none", "experiments": [experiment]}
    grid.write_text(json.dumps({"presets": {"one": preset}}))  # JSON is YAML
    arguments = ["run", "--grid", str(grid), "--preset", "one"]
    arguments += ["--data", "synthetic-tiny", "--out", str(tmp_path / "runs")]
    code, out, _ = run(capsys, *arguments)
    assert code == 0
    assert "finished      a" in out
    record = json.loads((tmp_path / "runs" / "a" / "record.json").read_text())
    page = (tmp_path / "runs" / "index.html").read_text()
    assert f"{record['results']['test']['metrics']['accuracy']:.1%}"[:-1] in page
    code, out, _ = run(capsys, *arguments)
    assert code == 0
    assert "already done  a" in out
