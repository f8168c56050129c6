"""What the demo costs, from nothing, in a new folder, each stage beside its budget.

    python benchmarks/demo.py            # from the root of the checkout; writes benchmarks/demo.md

The checkout's last commit is cloned, so what is measured is what a stranger gets.
"""

import csv
import os
import platform
import subprocess
import tempfile
import time
from collections import defaultdict
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]


def timed(command: list[str], folder: Path) -> float:
    """Run ``command`` in ``folder`` and return its wall time in seconds."""
    started = time.monotonic()
    subprocess.run(command, cwd=folder, check=True)
    return time.monotonic() - started


def stage_costs(folder: Path) -> dict[str, tuple[int, float, float, float]]:
    """Per stage: number of jobs, their summed wall time (s) and CPU time (s), the largest memory (MB)."""
    rows: dict[str, list[dict[str, str]]] = defaultdict(list)
    for path in sorted(folder.rglob("*.tsv")):
        stage = path.relative_to(folder).parts[0].removesuffix(".tsv")
        with path.open() as lines:
            rows[stage] += list(csv.DictReader(lines, delimiter="\t"))
    return {
        stage: (
            len(found),
            sum(float(row["s"]) for row in found),
            sum(_number(row["cpu_time"]) for row in found),
            max(_number(row["max_rss"]) for row in found),
        )
        for stage, found in rows.items()
    }


def _number(text: str) -> float:
    """A job too short to be sampled has no value; it counts as nothing."""
    try:
        return float(text)
    except ValueError:
        return 0.0


def over_budget(walls: dict[str, float], budget: dict[str, float]) -> list[str]:
    """A paragraph on the stages that take longer than their budget; no lines if none does."""
    over = [
        f"{stage} ({walls[stage]:.1f} of {allowed:.0f} s)"
        for stage, allowed in budget.items()
        if stage in walls and walls[stage] > allowed
    ]
    return ["", f"**Over their budgets on this machine:** {', '.join(over)}."] if over else []


def processor() -> str:
    """The name of the processor."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def main() -> None:
    """Measure and write the table."""
    with (REPOSITORY / "benchmarks" / "demo_budget.csv").open() as lines:
        budget = {row["stage"]: float(row["budget_s"]) for row in csv.DictReader(lines)}
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "simhand"
        subprocess.run(["git", "clone", "--quiet", str(REPOSITORY), str(clone)], check=True)
        commit = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"], cwd=clone, capture_output=True, text=True
        )
        installation = timed(["make", "env"], clone)
        demo = timed(["make", "demo"], clone)
        again = timed(["make", "demo"], clone)
        costs = stage_costs(clone / "results" / "demo" / "benchmarks")
    lines = [
        "# What the demo costs",
        "",
        f"Measured by `python benchmarks/demo.py` on commit {commit.stdout.strip()}, in a new clone with new",
        f"environments: {os.cpu_count()} cores, {processor()}, {platform.system()},",
        f"Python {platform.python_version()}.",
        "",
        f"**Whole `make demo` from nothing: {installation + demo:.0f} s** of a budget of 600 s:",
        f"{installation:.0f} s installation from a nearby package mirror, {demo:.0f} s workflow.",
        f"A second `make demo`: {again:.0f} s.",
        "",
        "Wall times are summed over the jobs of a stage; jobs that need one core run side by side, so the",
        "whole takes less than the sum. The budget is for the sum, on two cores.",
        *over_budget({stage: wall for stage, (_, wall, _, _) in costs.items()}, budget),
        "",
        "| stage | jobs | wall (s) | processor (s) | peak memory (MB) | budget (s) |",
        "|---|---|---|---|---|---|",
        f"| installation | 1 | {installation:.0f} | | | {budget['installation']:.0f} |",
    ]
    order = [*budget, *sorted(set(costs) - set(budget))]
    for stage in [name for name in order if name in costs]:
        jobs, wall, cpu, memory = costs[stage]
        allowed = f"{budget[stage]:.0f}" if stage in budget else ""
        lines.append(f"| {stage} | {jobs} | {wall:.1f} | {cpu:.1f} | {memory:.0f} | {allowed} |")
    (REPOSITORY / "benchmarks" / "demo.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
