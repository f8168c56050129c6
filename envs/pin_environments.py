"""Pin every environment exactly: work.txt, driver.txt, tools.txt and one conda file per rule.

Run it with `make pins`. What a rule's environment holds follows from what its script and the library
files behind it import, so the conda files cannot drift from the code; a test checks that they have not.
"""

import argparse
import ast
import subprocess
import sys
from pathlib import Path

ENVS = Path(__file__).resolve().parent
SCRIPTS = ENVS.parent / "workflow_scripts"
sys.path.insert(0, str(SCRIPTS))

from simhand.stage_code import stage_code  # noqa: E402

LOWEST_PYTHON = "3.11"
CONDA = {"python": "3.12.11", "pip": "25.1.1", "libgl": "1.7.0"}
"""What conda installs before pip does the rest, as conda-forge has it."""
LINUX_ONLY = ("cuda-", "nvidia-", "triton")
PACKAGE_OF_MODULE = {
    "PIL": "pillow",
    "cv2": "opencv-python-headless",
    "faiss": "faiss-cpu",
    "ffmpeg": "ffmpeg-python",
    "imageio_ffmpeg": "imageio-ffmpeg",
    "sklearn": "scikit-learn",
    "tensorboardX": "tensorboardx",
    "yaml": "pyyaml",
}
# `index` is a target of its own name whose script is index_videos.py.
SCRIPT_OF_RULE = {"index": "index_videos"}


def imported_packages(script: Path) -> set[str]:
    """The packages that a script and the library files behind it import."""
    modules: set[str] = set()
    for path in stage_code(script):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                modules |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                modules.add(node.module.split(".")[0])
    return {PACKAGE_OF_MODULE.get(name, name) for name in modules - sys.stdlib_module_names - {"simhand"}}


def rules_with_environments() -> dict[str, Path]:
    """The script of every rule that names a conda environment."""
    names = {
        line.split("envs/")[1].split(".yaml")[0]
        for path in (ENVS.parent / "rules").glob("*.smk")
        for line in path.read_text(encoding="utf-8").splitlines()
        if '"../envs/' in line
    }
    return {name: SCRIPTS / f"{SCRIPT_OF_RULE.get(name, name)}.py" for name in sorted(names)}


def compile_pins(uv: str, packages: str, *options: str) -> list[str]:
    """Resolve ``packages`` (lines) to `name==version` lines that hold for Python 3.11 and 3.12."""
    command = [uv, "pip", "compile", "-", "--python-version", LOWEST_PYTHON]
    command += ["--no-header", "--no-annotate", "--quiet", *options]
    found = subprocess.run(command, input=packages, capture_output=True, text=True)
    if found.returncode:
        sys.exit(f"cannot resolve:\n{packages}\n{found.stderr}")
    pins = found.stdout.splitlines()
    return [f"{pin} ; sys_platform == 'linux'" if pin.startswith(LINUX_ONLY) else pin for pin in pins]


def conda_file(rule: str, pins: list[str], with_mediapipe: bool) -> str:
    """The text of a rule's conda environment file."""
    lines = [f"# Environment of rule {rule}, written by `make pins`.", f"name: simhand-{rule}"]
    by_conda = [f"  - {name}={version}" for name, version in CONDA.items() if name != "libgl"]
    lines += ["channels: [conda-forge, nodefaults]", "dependencies:", *by_conda]
    if with_mediapipe:
        lines += [f"  - libgl={CONDA['libgl']}  # mediapipe's OpenCV links it"]
    if pins:
        lines += ["  - pip:", *(f'      - "{pin}"' for pin in pins)]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write all environment files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--uv", default="uv", help="the uv program")
    uv = parser.parse_args().uv
    overrides = ("--override", str(ENVS / "not-used.txt"))
    for name, options in (("work", overrides), ("driver", ()), ("tools", ())):
        constraints = ("--constraint", str(ENVS / "work.txt")) if name == "tools" else ()
        pins = compile_pins(uv, (ENVS / f"{name}.in").read_text(), *options, *constraints)
        (ENVS / f"{name}.txt").write_text("\n".join(pins) + "\n")
    for rule, script in rules_with_environments().items():
        packages = imported_packages(script)
        if "mediapipe" in packages:
            packages -= {"opencv-python-headless"}
        constraints = ("--constraint", str(ENVS / "work.txt"))
        pins = compile_pins(uv, "\n".join(sorted(packages)), *constraints) if packages else []
        (ENVS / f"{rule}.yaml").write_text(conda_file(rule, pins, "mediapipe" in packages))


if __name__ == "__main__":
    main()
