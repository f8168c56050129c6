"""The environments hold what the scripts import, in the versions of the shared work environment."""

import re
import runpy

import pytest


@pytest.fixture(scope="module")
def pins(repository):
    return runpy.run_path(str(repository / "envs" / "pin_environments.py"))


def pinned(text):
    return dict(re.findall(r"^[\s\"-]*([A-Za-z0-9._-]+)==([^\s\";]+)", text, flags=re.MULTILINE))


def test_every_rule_finds_in_its_environment_what_it_imports(repository, pins):
    shared = pinned((repository / "envs/work.txt").read_text())
    rules = pins["rules_with_environments"]()
    assert len(rules) >= 19
    for rule, script in rules.items():
        found = pinned((repository / "envs" / f"{rule}.yaml").read_text())
        imported = pins["imported_packages"](script)
        if "mediapipe" in imported:
            imported -= {"opencv-python-headless"}
        assert imported <= set(found), f"{rule}: run `make pins`"
        # mediapipe brings packages that the shared environment leaves out (envs/not-used.txt)
        different = {name for name, version in found.items() if shared.get(name, version) != version}
        assert not different, f"{rule}: run `make pins`"


def test_nothing_is_installed_that_no_script_imports(repository, pins):
    wanted = set().union(
        *(pins["imported_packages"](script) for script in pins["rules_with_environments"]().values())
    )
    lines = (repository / "envs/work.in").read_text().splitlines()
    named = {re.split(r"[<>=]", line)[0] for line in lines if line and not line.startswith("#")}
    assert named == wanted
