"""Grid files: every mistake is named before anything is trained."""

import pytest

from fer_utils.errors import ParameterError
from fer_utils.experiments import Experiment, load_grid

GRID = """
presets:
  quick:
    lessons: none
    defaults: {epochs: 2}
    experiments:
      - {name: a, model: shallow_cnn}
      - {name: b, model: deep_cnn, epochs: 3}
"""


def write(folder, text):
    path = folder / "grid.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_defaults_hold_until_an_experiment_says_otherwise(tmp_path):
    preset = load_grid(write(tmp_path, GRID), "quick")
    assert [e.train.epochs for e in preset.experiments] == [2, 3]


def test_overrides_win(tmp_path):
    preset = load_grid(write(tmp_path, GRID), "quick", {"data": "fer2013"})
    assert {e.data for e in preset.experiments} == {"fer2013"}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("epochs: 3", "epoch: 3", "experiment 'b': unknown parameter 'epoch'"),
        ("epochs: 3", "epochs: three", "experiment 'b': epochs='three': expected int"),
        ("epochs: 3", "epochs: 0", "expected a value from 1"),
        ("deep_cnn", "deep_cn", "Did you mean 'deep_cnn'"),
        ("name: b", "name: a", "the name is used twice"),
        ("name: b, ", "", "an experiment needs a name"),
        ("name: b", "name: b/c", "it becomes a folder name"),
        ("lessons: none", "lessons: some", "expected 'all' or 'none'"),
        ("defaults:", "default:", "Did you mean 'defaults'"),
        ("- {name: a, model: shallow_cnn}", "- a", "expected a mapping with a name"),
        ("epochs: 3", "model_options: {wdth: 1}", "unknown model option 'wdth'"),
        ("epochs: 3", "classes: four", "expected 'all', a number or a list"),
        ("epochs: 3", "protocol: random", "unknown protocol 'random'"),
        ("epochs: 3", "remove_duplicates: 1", "expected true or false"),
        ("epochs: 3", "max_images: -1", "expected a number >= 0"),
        ("presets:", "presets: [", "not valid YAML"),
        ("presets:", "preset:", "expected a mapping 'presets'"),
        ("quick:", "quik:", "Did you mean 'quik'"),
    ],
)
def test_a_mistake_in_the_file_is_named(tmp_path, old, new, message):
    with pytest.raises(ParameterError, match=message):
        load_grid(write(tmp_path, GRID.replace(old, new)), "quick")


def test_all_wrong_experiments_are_named_at_once(tmp_path):
    text = GRID.replace("shallow_cnn", "shalow").replace("epochs: 3", "epoch: 3")
    with pytest.raises(ParameterError) as caught:
        load_grid(write(tmp_path, text), "quick")
    assert "experiment 'a'" in str(caught.value)
    assert "experiment 'b'" in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ParameterError, match="no such grid file"):
        load_grid(tmp_path / "no.yaml", "quick")


def test_parameters_survive_a_round_trip():
    given = {"name": "a", "classes": ["happy", "sad"], "epochs": 3, "seed": 4}
    experiment = Experiment.from_dict(given)
    assert Experiment.from_dict(experiment.to_dict()) == experiment
    assert experiment.with_(seed=5).train.seed == 5


@pytest.mark.parametrize("change", [{"seed": 1}, {"epochs": 9}, {"model": "vgg5"}])
def test_the_key_changes_with_every_parameter_and_with_the_data(change):
    experiment = Experiment.from_dict({"name": "a"})
    assert experiment.with_(**change).key("data") != experiment.key("data")
    assert experiment.key("data") == experiment.with_().key("data")
    assert experiment.key("other") != experiment.key("data")


@pytest.mark.parametrize("preset", ["quick", "full"])
def test_the_kits_own_presets_are_valid(preset):
    from pathlib import Path

    grid = load_grid(Path(__file__).parents[2] / "experiments.yaml", preset)
    assert len(grid.experiments) >= 4
