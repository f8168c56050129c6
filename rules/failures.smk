"""Tells of every job that failed and why, however little Snakemake says of jobs otherwise.

`quiet: rules` in profiles/default keeps from the terminal what each job reads and writes, and with that the
word that one has failed. A job here says itself what happened; one on a cluster is not heard.
"""

from snakemake.settings.enums import Quietness
from snakemake_interface_logger_plugins.common import LogEvent

SHOWN_LINES, SHOWN_WIDTH = 15, 300


def last_lines(paths):
    """The end of the first of these logs that says anything."""
    for path in (Path(path) for path in paths):
        lines = path.read_text(errors="replace").splitlines() if path.is_file() else []
        if lines:
            shown = [f"    | {line[:SHOWN_WIDTH]}" for line in lines[-SHOWN_LINES:]]
            return "\n".join([f"    the end of {path}:", *shown])
    return f"    nothing was logged to {', '.join(map(str, paths))}"


def reason(said):
    """What an executor says of a failed job, without the command that it gave to the cluster."""
    lines = said.split("For further error details")[0].rstrip().splitlines()
    return "\n".join(line[:SHOWN_WIDTH] for line in lines)


def tell_failures(record):
    """Add plain words to a record that tells of a failed job; every record of the log passes."""
    if getattr(record, "event", None) is LogEvent.JOB_ERROR:
        elsewhere = record.rule_msg is not None
        said = reason(record.rule_msg) if elsewhere else "its command failed; see above"
        end = f"\n{last_lines(record.log)}" if elsewhere else ""
        what = ", for ".join([record.rule_name, *record.output[:1]])
        logger.error(f"{' '.join(['Error in rule', what])}: {said}{end}")
    return True


if Quietness.RULES in (workflow.output_settings.quiet or ()):
    logger.addFilter(tell_failures)
