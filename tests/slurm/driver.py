"""Snakemake as the tests start it: it asks after its jobs every second.

The plugin asks ever more seldom, up to every three minutes, which no setting changes.
"""

import sys

import snakemake_executor_plugin_slurm as plugin
from snakemake.cli import main

plugin.Executor.next_seconds_between_status_checks = property(
    lambda executor: 1, lambda executor, value: None
)

if __name__ == "__main__":
    sys.exit(main())
