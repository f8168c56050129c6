"""The README's worked example of a new method, done to a copy of the repository: it is a method there."""

import json
import math
import re
import shutil
import subprocess
import sys

import pytest
import yaml
from drawn_run import write_run

TRAIN = """
import runpy
import sys
from pathlib import Path

import yaml

sys.path.insert(0, "workflow_scripts")
from simhand.settings.check import load_config
from simhand.settings.experiments import METHOD_TITLES
from simhand.stage_code import stage_code

config = load_config(yaml.safe_load(Path("config.yaml").read_text()))
((name, experiment),) = config.pretrain_experiments().items()
assert name == "barlow_all_none_top1_random_seed0" and METHOD_TITLES["barlow"] == "Barlow Twins"
script = Path("workflow_scripts/pretrain_encoder.py")
assert Path("workflow_scripts/simhand/pretraining/methods/barlow.py") in stage_code(script)
sys.argv = [str(script), "--settings", config.pretrain_settings(name).model_dump_json()]
sys.argv += ["--experiment", experiment.model_dump_json(), "--run-dir", "run", "--out-dir", "out"]
sys.argv += ["--set", "run/sets/all.parquet", "--pairs", "run/pairs/all.parquet", "--threads", "1"]
runpy.run_path(str(script), run_name="__main__")
"""


@pytest.fixture
def checkout(repository, tmp_path):
    """A copy of the checkout with the example added to it, and nothing else changed."""
    example = (repository / "README.md").read_text().partition("\n## Adding a method\n")[2]
    path, module = re.search(r"The file, `([^`]+)`:\n\n```python\n(.*?)```", example, re.DOTALL).groups()
    entry, settings = re.search(
        r"The entry, at the end of `METHODS` in `([^`]+)`:\n\n```python\n(.*?)```", example, re.DOTALL
    ).groups()[::-1]
    row = yaml.safe_load(re.search(r"```yaml\n(.*?)```", example, re.DOTALL)[1])
    shutil.copytree(
        repository / "workflow_scripts",
        tmp_path / "workflow_scripts",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    (tmp_path / path).write_text(module)
    table = (tmp_path / settings).read_text()
    assert table.count("\n}\n") == 1, "METHODS is the only table of that file"
    (tmp_path / settings).write_text(table.replace("\n}\n", f"\n{entry}}}\n"))
    small = {"encoder": "resnet18", "head_width": 16, "embedding_size": 16, "image_size_px": 32}
    small |= {"batch_size": 6, "epochs": 2, "warmup_epochs": 1, "device": "cpu"}
    sources = {"sources": {"rendered": {"kind": "rendered"}}, "datasets": {"rendered": {"kind": "rendered"}}}
    config = {**sources, "sets": {"all": {}}, "pretrain": small, **row}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    write_run(tmp_path / "run", 12)
    return tmp_path


def test_the_worked_example_is_a_method_that_trains(checkout):
    done = subprocess.run([sys.executable, "-c", TRAIN], cwd=checkout, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    metrics = json.loads((checkout / "out/metrics.json").read_text())
    assert metrics["steps"] == 4 and math.isfinite(metrics["final_loss"])
    assert "pre-trained without labels by Barlow Twins" in (checkout / "out/README.md").read_text()
