"""A stage is re-run when, and only when, code that it imports changes."""

from pathlib import Path

from simhand import stage_code as stage_code_module
from simhand.stage_code import stage_code


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_imports_are_followed_through_the_library(tmp_path):
    script = write(tmp_path / "run.py", "import os\nfrom library.a import f\n")
    init = write(tmp_path / "library/__init__.py", "")
    a = write(tmp_path / "library/a.py", "from library.deep import b\n")
    deep = write(tmp_path / "library/deep/__init__.py", "")
    b = write(tmp_path / "library/deep/b.py", "import numpy\nimport library.c\n")
    c = write(tmp_path / "library/c.py", "from library.a import f\n")
    write(tmp_path / "library/unused.py", "")
    assert stage_code(script) == [script, *sorted([init, a, deep, b, c])]


def test_modules_that_are_chosen_by_name_all_count(tmp_path):
    script = write(tmp_path / "run.py", "from library.methods import registry\n")
    init = write(tmp_path / "library/__init__.py", "")
    methods = write(tmp_path / "library/methods/__init__.py", "")
    choice = 'import importlib\nimportlib.import_module(f"library.methods.{name}")\n'
    registry = write(tmp_path / "library/methods/registry.py", choice)
    one = write(tmp_path / "library/methods/one.py", "import library.loss\n")
    loss = write(tmp_path / "library/loss.py", "")
    write(tmp_path / "library/other.py", "")
    assert stage_code(script) == [script, *sorted([init, methods, registry, one, loss])]
    # A file that is new since then counts as well.
    two = write(tmp_path / "library/methods/two.py", "")
    stage_code_module._imported_files.cache_clear()
    assert two in stage_code(script)


def test_every_script_depends_on_the_library_and_none_on_all_of_it(repository):
    scripts = sorted((repository / "workflow_scripts").glob("*.py"))
    assert scripts
    library = set((repository / "workflow_scripts/simhand").rglob("*.py"))
    for script in scripts:
        files = set(stage_code(script))
        assert repository / "workflow_scripts/simhand/stage.py" in files, script
        assert len(files) < len(library), script


def test_mining_does_not_hang_on_training_code(repository):
    files = stage_code(repository / "workflow_scripts/mine_pairs.py")
    assert not [path for path in files if {"pretraining", "finetuning", "world"} & set(path.parts)]
