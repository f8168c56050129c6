"""Say before a long run whether it can work, and what it will cost. Writes nothing and submits nothing.

Exits with 1 if something would go wrong.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from simhand.errors import ConfigError
from simhand.preflight.estimate import Estimate, estimate
from simhand.preflight.finding import Finding
from simhand.preflight.gpus import check_gpus
from simhand.preflight.places import GB, check_disk, check_roots
from simhand.preflight.planned_jobs import PlannedJob, plan_run
from simhand.preflight.present_sources import index_of_present
from simhand.preflight.schedulable import check_requests
from simhand.preflight.snakemake_call import SnakemakeCall, read_call
from simhand.preflight.software import check_software
from simhand.preflight.video_lengths import lengths_of
from simhand.settings.check import load_config
from simhand.settings.config import Config
from simhand.stage import run_stage, stage_parser

MARKS = {True: "ok     ", False: "PROBLEM", None: "unknown"}
ROOT = Path(__file__).resolve().parents[1]


def preflight(args: argparse.Namespace) -> None:
    """Check, print what was found, and exit with 1 if it cannot work."""
    config, call = load_config(json.loads(args.settings)), args.call
    results = Path("results") / config.run
    problems = 0
    for found in all_findings(config, call, results):
        print(f"{MARKS[found.ok]}  {found.what}: {found.detail}")
        problems += found.ok is False
    print(f"{problems} problem(s)" if problems else "nothing that was checked stands in the way")
    if problems:
        sys.exit(1)


def all_findings(config: Config, call: SnakemakeCall, results: Path) -> Iterator[Finding]:
    """Every check, those that need no plan of the jobs even if there can be none; prints the estimate."""
    roots = list(check_roots(config))
    yield from roots
    index = results / "videos.tsv"
    videos, absent = index_of_present(index, config.all_sources(), config.shard_size, config.world)
    named = {found.what.rsplit(".", 1)[0] for found in roots if not found.ok}
    for name, said in absent.items():
        if f"sources.{name}" not in named:
            yield Finding(False, f"sources.{name}", said)
    try:
        plan = plan_run(call)
    except ConfigError as error:
        yield Finding(False, "plan", str(error))
        yield from unplanned(call, results)
        return
    lengths = lengths_of(config, videos)
    costs = estimate(config, videos, lengths.seconds, plan.jobs)
    print(f"{sum(lengths.seconds.values()) / 3600:,.1f} hours of video")
    for line in cost_lines(costs):
        print(line)
    yield from (
        Finding(None, f"sources.{name}", "not part of the estimate: it cannot be listed") for name in absent
    )
    for name in lengths.unknown:
        detail = "not part of the estimate: no header of its videos says how long they are"
        yield Finding(None, f"sources.{name}", detail)
    yield check_disk(results, costs)
    yield from check_software(ROOT, call, plan)
    yield from check_gpus(config, call, plan.jobs)
    yield from check_requests(call, plan.jobs, last_attempts(call))


def unplanned(call: SnakemakeCall, results: Path) -> Iterator[Finding]:
    """The checks that are left without a plan, and what cannot be checked."""
    yield check_disk(results, None)
    yield from check_software(ROOT, call, None)
    for what in ("estimate", "GPUs", *(["requests to SLURM"] if call.executor == "slurm" else [])):
        yield Finding(None, what, "not looked at, since the jobs cannot be planned")


def last_attempts(call: SnakemakeCall) -> list[PlannedJob]:
    """The jobs as a cluster is asked for them the last time they are tried."""
    if call.executor != "slurm" or not call.retries:
        return []
    return plan_run(call, call.retries + 1).jobs


def cost_lines(costs: Estimate) -> Iterator[str]:
    """The estimate as a table."""
    yield f"{'stage':24}{'jobs':>8}{'core hours':>14}{'GB':>10}"
    for stage in costs.stages:
        hours = "-" if stage.core_hours is None else f"{stage.core_hours:,.2f}"
        size = "-" if stage.bytes is None else f"{stage.bytes / GB:,.2f}"
        yield f"{stage.rule:24}{stage.jobs:>8,}{hours:>14}{size:>10}"
    jobs = sum(stage.jobs for stage in costs.stages)
    yield f"{'together':24}{jobs:>8,}{costs.core_hours:>14,.2f}{costs.bytes / GB:>10,.2f}"
    yield "(-: no figure; trainings and detect_hands are counted as on processors, not on GPUs)"


if __name__ == "__main__":
    parser = stage_parser(__doc__, "settings")
    parser.add_argument("--call", type=read_call, required=True, help="how Snakemake was called, as JSON")
    run_stage(parser, preflight)
