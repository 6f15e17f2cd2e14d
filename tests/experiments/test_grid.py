"""Grid files: every mistake is named before anything is trained."""

import pytest

from fer_utils.errors import ParameterError
from fer_utils.experiments import Experiment, load_grid
from fer_utils.experiments.grid import GridError

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


def test_overrides_are_for_the_chosen_experiments(tmp_path):
    """An option of one architecture is no mistake of the others."""
    path, change = write(tmp_path, GRID), {"model_options": {"width": 0.5}}
    with pytest.raises(ParameterError, match="'a': unknown model option 'width'"):
        load_grid(path, "quick", change)
    preset = load_grid(path, "quick", change, only=["b"])
    assert [e.model_options for e in preset.experiments] == [{}, {"width": 0.5}]
    with pytest.raises(ParameterError, match="--set model_options=.*'b'.*'wdth'"):
        load_grid(path, "quick", {"model_options": {"wdth": 0.5}}, only=["b"])


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


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("epochs: 3", "epoch: 3", 8),
        ("epochs: 2", "epochs: two", 5),  # a mistake of the defaults stands there
        ("model: deep_cnn", "model: deep_cn", 8),
        ("name: b", "name: a", 8),
        ("lessons: none", "lessons: some", 4),
        ("epochs: 3", "epochs: 3, epochs: 4", 8),
        ("deep_cnn, epochs", "deep_cnn epochs", 8),  # not YAML
        ("    lessons", "\tlessons", 4),
    ],
)
def test_a_mistake_has_its_line(tmp_path, old, new, line):
    path = write(tmp_path, GRID.replace(old, new))
    with pytest.raises(ParameterError) as caught:
        load_grid(path, "quick")
    assert str(caught.value).startswith(f"{path}:{line}: ")


def test_a_mistake_that_many_share_is_said_once_with_their_names(tmp_path):
    text = GRID.replace("epochs: 2", "epoch: 2")
    with pytest.raises(GridError) as caught:
        load_grid(write(tmp_path, text), "quick")
    assert len(caught.value.problems) == 1
    assert "experiments 'a', 'b': unknown" in caught.value.problems[0]


def test_the_valid_experiments_of_a_bad_grid_are_known(tmp_path):
    with pytest.raises(GridError) as caught:
        load_grid(write(tmp_path, GRID.replace("epochs: 3", "epoch: 3")), "quick")
    assert [e.name for e in caught.value.preset.experiments] == ["a"]


def test_a_repeated_name_says_where_the_first_one_is(tmp_path):
    with pytest.raises(ParameterError, match=r"used twice \(also line 7\)"):
        load_grid(write(tmp_path, GRID.replace("name: b", "name: a")), "quick")


def test_names_that_differ_in_case_only_share_a_folder_on_some_disks(tmp_path):
    with pytest.raises(ParameterError, match="also line 7 as 'a'"):
        load_grid(write(tmp_path, GRID.replace("name: b", "name: A")), "quick")


def test_a_number_may_be_written_with_an_exponent_only(tmp_path):
    text = GRID.replace("epochs: 3", "learning_rate: 1e-2")
    preset = load_grid(write(tmp_path, text), "quick")
    assert preset.experiments[1].train.learning_rate == 0.01


AXES = """
presets:
  quick:
    lessons: none
    defaults: {epochs: 2, augment: classic}
    axes:
      model: [shallow_cnn, deep_cnn]
      seed: 0..2
"""


def names(folder, text, overrides=None):
    preset = load_grid(write(folder, text), "quick", overrides)
    return [e.name for e in preset.experiments]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("", "shallow_cnn-seed0 -seed1 -seed2 deep_cnn-seed0 -seed1 -seed2"),
        (
            'name: "{augment}_{model}-s{seed}"',  # any parameter, not only the axes
            "classic_shallow_cnn-s0 -s1 -s2 classic_deep_cnn-s0 -s1 -s2",
        ),
        (
            'name: "x-{model}"',
            "x-shallow_cnn-seed0 -seed1 -seed2 x-deep_cnn-seed0 -seed1 -seed2",
        ),  # the axis left out is added, so that names differ
        (
            "exclude: [{model: deep_cnn, seed: [1, 2]}]",
            "shallow_cnn-seed0 -seed1 -seed2 deep_cnn-seed0",
        ),
        ("exclude: [{model: deep_cnn}, {seed: 0..1}]", "shallow_cnn-seed2"),
        ("include: [{model: deep_cnn}]", "deep_cnn-seed0 -seed1 -seed2"),
        ("include: [{seed: 2}]\n    exclude: [{model: deep_cnn}]", "shallow_cnn-seed2"),
        (
            "experiments: [{name: a}]",
            "a-shallow_cnn-seed0 -seed1 -seed2 a-deep_cnn-seed0 -seed1 -seed2",
        ),  # axes multiply what is listed
        ("experiments: [{name: a, axes: {seed: [7]}}]", "a-seed7"),  # its own instead
        ("experiments: [{name: a, axes: {}}]", "a"),
    ],
)
def test_axes_multiply(tmp_path, more, expected):
    whole, stem = [], ""
    for name in expected.split():
        if name.startswith("-"):
            whole.append(stem + name)
        else:
            whole.append(name)
            stem = name.rpartition("-")[0]
    assert names(tmp_path, AXES + f"    {more}\n") == whole


def test_an_axis_sets_its_parameter(tmp_path):
    preset = load_grid(write(tmp_path, AXES), "quick")
    last = preset.experiments[-1]
    assert (last.model, last.train.seed, last.train.epochs) == ("deep_cnn", 2, 2)


@pytest.mark.parametrize(
    ("axis", "expected"),
    [
        ("model_options: [{width: 0.25}, {width: 0.5}]", ["width0.25", "width0.5"]),
        ("classes: [4, [happy, sad]]", ["classes4", "classes-happy-sad"]),
        ("class_weights: [true, false]", ["class_weights-True", "class_weights-False"]),
        ("learning_rate: [1e-3, 0.01]", ["learning_rate0.001", "learning_rate0.01"]),
    ],
)
def test_any_parameter_may_be_an_axis(tmp_path, axis, expected):
    row = f"    experiments: [{{name: a, model: deep_cnn, axes: {{{axis}}}}}]\n"
    text = AXES.split("    axes")[0] + row
    found = [name.removeprefix("a-") for name in names(tmp_path, text)]
    assert [n.removeprefix("model_options-") for n in found] == expected


def test_an_override_shrinks_an_axis(tmp_path):
    assert names(tmp_path, AXES, {"seed": 9}) == ["shallow_cnn-seed9", "deep_cnn-seed9"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("seed: 0..2", "sed: 0..2", "8: unknown axis 'sed'. Did you mean 'seed'"),
        ("0..2", "2..0", "the range 2..0 is empty: write 0..2"),
        ("0..2", "[]", "at least one value"),
        ("0..2", "5", "expected a list such as .* received 5"),
        ("0..2", "[1, 1]", "1 stands twice"),
        ("0..2", "[1, 0..2]", "1 stands twice"),
        ("0..2", "0..99999", "more than 10,000 values"),
        ("0..2", "[a]", "axis|seed='a': expected int"),
        ("0..2", "0..9999", "the axes make 20,000 experiments"),
        ("deep_cnn]", "deep_cn]", "7: experiments .*unknown model 'deep_cn'"),
        ("0..2", '0..2\n    name: "{modl}"', "unknown parameter 'modl'. Did you mean"),
        ("0..2", "0..2\n    exclude: [{model: vgg5}]", "matches no experiment"),
        ("0..2", "0..2\n    exclude: [{modl: vgg5}]", "9: exclude: unknown parameter"),
        ("0..2", "0..2\n    exclude: [deep_cnn]", "expected a mapping such as"),
        ("0..2", "0..2\n    exclude: {model: vgg5}", "exclude: expected a list"),
        ("0..2", "0..2\n    experiments: [{name: a, seed: 1}]", "is an axis too"),
        ("axes:\n", "axes: [seed]\n    axis:\n", "axes: expected a mapping"),
    ],
)
def test_a_mistake_of_an_axis_is_named(tmp_path, old, new, message):
    with pytest.raises(ParameterError, match=message):
        load_grid(write(tmp_path, AXES.replace(old, new)), "quick")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ParameterError, match="no such grid file"):
        load_grid(tmp_path / "no.yaml", "quick")


def test_parameters_survive_a_round_trip():
    given = {"name": "a", "classes": ["happy", "sad"], "epochs": 3, "seed": 4}
    experiment = Experiment.from_dict(given)
    assert Experiment.from_dict(experiment.to_dict()) == experiment
    assert experiment.with_(seed=5).train.seed == 5


@pytest.mark.parametrize("preset", ["quick", "full", "seeds"])
def test_the_kits_own_presets_are_valid(preset):
    from pathlib import Path

    grid = load_grid(Path(__file__).parents[2] / "experiments.yaml", preset)
    assert len(grid.experiments) >= 4
