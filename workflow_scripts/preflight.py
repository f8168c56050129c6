"""Say before a long run whether it can work, and what it will cost. Writes nothing and submits nothing.

Exits with 1 if something would go wrong.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from simhand.preflight.estimate import Estimate, estimate
from simhand.preflight.finding import Finding
from simhand.preflight.places import GB, check_disk, check_roots
from simhand.preflight.planned_jobs import planned_jobs
from simhand.preflight.schedulable import check_requests
from simhand.preflight.software import check_software
from simhand.settings.check import load_config
from simhand.stage import run_stage, stage_parser
from simhand.videos.index import index_of_run

MARKS = {True: "ok     ", False: "PROBLEM", None: "unknown"}


def preflight(args: argparse.Namespace) -> None:
    """Check, print what was found, and exit with 1 if it cannot work."""
    config = load_config(json.loads(args.settings))
    results = Path("results") / config.run
    findings = list(check_roots(config))
    _show(findings)
    jobs = planned_jobs(args.snakemake, config.preflight.targets)
    videos = index_of_run(results / "videos.tsv", config.all_sources(), config.shard_size, config.world)
    costs = estimate(config, videos, jobs)
    for line in cost_lines(costs):
        print(line)
    later = [check_disk(results, costs)]
    later += check_software(Path(__file__).resolve().parents[1], args.snakemake, jobs)
    later += check_requests(jobs)
    later += [Finding(None, "estimate", text) for text in costs.unknown]
    _show(later)
    problems = sum(found.ok is False for found in findings + later)
    print(f"{problems} problem(s)" if problems else f"nothing stands in the way of {len(jobs)} jobs")
    if problems:
        sys.exit(1)


def cost_lines(costs: Estimate) -> Iterator[str]:
    """The estimate as a table."""
    yield f"{costs.video_hours:,.1f} hours of video"
    yield f"{'stage':24}{'jobs':>8}{'core hours':>14}{'GB':>10}"
    for stage in costs.stages:
        hours = "-" if stage.core_hours is None else f"{stage.core_hours:,.2f}"
        size = "-" if stage.bytes is None else f"{stage.bytes / GB:,.2f}"
        yield f"{stage.rule:24}{stage.jobs:>8,}{hours:>14}{size:>10}"


def _show(findings: list[Finding]) -> None:
    for found in findings:
        print(f"{MARKS[found.ok]}  {found.what}: {found.detail}")


if __name__ == "__main__":
    parser = stage_parser(__doc__)
    parser.add_argument(
        "--snakemake",
        type=json.loads,
        default=[],
        help="the options that Snakemake was called with, as a JSON list",
    )
    run_stage(parser, preflight)
