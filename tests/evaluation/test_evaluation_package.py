import subprocess
import sys

import pytest

from fer_utils import evaluation


def test_importing_the_room_imports_nothing_heavy():
    heavy = "{'keras', 'sklearn', 'scipy', 'matplotlib', 'pandas', 'cv2', 'tensorflow'}"
    code = f"import sys, fer_utils.evaluation; print({heavy} & set(sys.modules))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert out.stdout.strip() == "set()", out.stderr


@pytest.mark.parametrize("name", evaluation.__all__)
def test_every_public_name_can_be_reached_and_is_documented(name):
    found = getattr(evaluation, name)
    assert not callable(found) or found.__doc__


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'accuracy'"):
        _ = evaluation.accuracy
