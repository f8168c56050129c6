"""What every stage script shares: its command line, its log and the way it ends."""

import argparse
import logging
import os
import platform
import shlex
import sys
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from simhand.errors import EXIT_BAD_DATA, SimhandError
from simhand.launched import is_first_launched

SharedOption = Literal["settings", "threads"]
LOGGED_PACKAGES = ("numpy", "torch", "torchvision", "mediapipe", "av", "pyarrow", "numba", "faiss-cpu")

log = logging.getLogger("simhand")


def stage_parser(description: str | None, *shared: SharedOption) -> argparse.ArgumentParser:
    """An argument parser with ``--log`` and those of the ``shared`` options that the script heeds."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    if "settings" in shared:
        parser.add_argument("--settings", default="{}", help="this stage's config section as JSON")
    if "threads" in shared:
        parser.add_argument("--threads", type=int, default=1, help="processor cores to use")
    parser.add_argument("--log", type=Path, help="write the log here as well as to stderr")
    return parser


def run_stage(parser: argparse.ArgumentParser, stage: Callable[[argparse.Namespace], None]) -> None:
    """Parse the command line, open the log, run ``stage`` and exit with a code that says how it ended.

    A :class:`SimhandError` ends with its own exit code and its message alone, a file that may not be read
    or written too; anything else is a bug and its traceback goes to the log too.
    """
    args = parser.parse_args()
    _open_log(args.log)
    _log_header(args)
    started = time.monotonic()
    try:
        stage(args)
    except SimhandError as error:
        log.error("%s", error)
        sys.exit(error.exit_code)
    except PermissionError as error:
        log.error("%s; who runs this must be allowed to", error)
        sys.exit(EXIT_BAD_DATA)
    except Exception:
        log.exception("unexpected failure in %s", Path(sys.argv[0]).name)
        sys.exit(1)
    log.info("done in %.1f s", time.monotonic() - started)


def _open_log(path: Path | None) -> None:
    """The terminal gets what a person follows; the log file, if any, the header and details too.

    Of processes that were started together, those after the first add only warnings and errors.
    """
    first = is_first_launched()
    terminal = logging.StreamHandler(sys.stderr)
    terminal.setLevel(logging.INFO)
    terminal.setFormatter(logging.Formatter(f"{_job_name(path)}: %(message)s"))
    handlers: list[logging.Handler] = [terminal]
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = logging.FileHandler(path, mode="w" if first else "a", encoding="utf-8")
        file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        handlers.append(file)
    logging.basicConfig(level=logging.WARNING, handlers=handlers, force=True)
    log.setLevel(logging.DEBUG if first else logging.WARNING)


def _job_name(log_path: Path | None) -> str:
    """The script, and what it works on where the log file's name tells that."""
    script = Path(sys.argv[0]).stem
    return f"{script} {log_path.stem}" if log_path and log_path.parent.name == script else script


def _log_header(args: argparse.Namespace) -> None:
    packages = []
    for name in LOGGED_PACKAGES:
        try:
            packages.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    log.debug("%s on %s, Python %s", Path(sys.argv[0]).name, platform.node(), platform.python_version())
    if job := os.environ.get("SLURM_JOB_ID"):
        log.debug("SLURM job %s", job)
    log.debug("packages: %s", ", ".join(packages))
    log.debug("command: %s", shlex.join(sys.argv))
