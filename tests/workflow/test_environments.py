"""The environments hold what the scripts import, in the versions of the shared work environment."""

import importlib.metadata
import re
import runpy

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


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


def needed_by(packages):
    """The packages, and what they need in turn, as the shared environment's metadata have it."""
    found, left = set(), {canonicalize_name(name) for name in packages}
    while left:
        name = left.pop()
        found.add(name)
        try:
            needs = map(Requirement, importlib.metadata.requires(name) or ())
        except importlib.metadata.PackageNotFoundError:
            continue
        left |= {canonicalize_name(need.name) for need in needs if applies(need)} - found
    return found


def applies(need):
    """Whether a requirement holds on Linux, with whichever extra."""
    markers = str(need.marker or "")
    extras = re.findall(r"extra == [\"']([^\"']+)", markers) or [""]
    return need.marker is None or any(need.marker.evaluate({"extra": extra}) for extra in extras)


def test_no_rule_has_a_package_that_nothing_it_imports_needs(repository, pins):
    for rule, script in pins["rules_with_environments"]().items():
        imported = pins["imported_packages"](script)
        found = set(map(canonicalize_name, pinned((repository / "envs" / f"{rule}.yaml").read_text())))
        unneeded = found - needed_by(imported)
        if "mediapipe" in imported:  # of what it brings, only some is in the shared environment
            unneeded = {name for name in unneeded if has_metadata(name)}
        assert not unneeded, f"{rule}: run `make pins`"


def has_metadata(name):
    try:
        importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def test_what_conda_installs_is_pinned_too(repository):
    for path in (repository / "envs").glob("*.yaml"):
        asked = [one for one in yaml.safe_load(path.read_text())["dependencies"] if isinstance(one, str)]
        assert asked and all(re.fullmatch(r"[a-z]+=\d+\.\d+(\.\d+)?", one) for one in asked), path.name


def test_nothing_is_installed_that_no_script_imports(repository, pins):
    wanted = set().union(
        *(pins["imported_packages"](script) for script in pins["rules_with_environments"]().values())
    )
    lines = (repository / "envs/work.in").read_text().splitlines()
    named = {re.split(r"[<>=]", line)[0] for line in lines if line and not line.startswith("#")}
    assert named == wanted
