"""SiMHand as a staged pipeline: videos, frames, hand crops, keypoints, mined pairs, pre-training,
fine-tuning, metrics, tables, report. See README.md; `snakemake --list` names the targets.
"""

import sys
from pathlib import Path

from snakemake.utils import min_version

min_version("9.27")

WORKFLOW_DIR = Path(workflow.current_basedir)
sys.path.insert(0, str(WORKFLOW_DIR / "workflow_scripts"))

if not workflow.overwrite_configfiles:

    configfile: WORKFLOW_DIR / "config.yaml"


include: "rules/failures.smk"
include: "rules/preempted.smk"
include: "rules/common.smk"
include: "rules/inputs_of_sets.smk"
include: "rules/inputs_of_models.smk"
include: "rules/inputs_of_tables.smk"
include: "rules/call_of_snakemake.smk"


pathvars:
    results=RESULTS,
    logs=f"{RESULTS}/logs",
    benchmarks=f"{RESULTS}/benchmarks",


wildcard_constraints:
    source=one_of(CONFIG.all_sources()),
    shard=r"\d+",
    set=one_of(CONFIG.sets),
    pretrain="[^/]+",
    finetune="[^/]+",
    table=one_of(CONFIG.tables()),
    figure=one_of(PAPER_FIGURES),


rule all:
    """Everything: metrics, tables, figures and the report of this run."""
    default_target: True
    input:
        "<results>/report.html",


onstart:
    if LOOKS_AHEAD and not all(target.endswith("preflight") for target in workflow.dag_settings.targets):
        raise WorkflowError("ask for preflight alone: it goes on without what a run needs")
    if not LOOKS_AHEAD and (not INDEX_FILE.exists() or read_index(INDEX_FILE) != INDEX):
        write_index(INDEX_FILE, INDEX)
    if not LOOKS_AHEAD:
        watch_preempted_jobs()
    for inferred in inferred_switches(config):
        logger.info(f"preset paper, inferred: {inferred}")


include: "rules/targets.smk"
include: "rules/preflight.smk"
include: "rules/world.smk"
include: "rules/videos.smk"
include: "rules/frames.smk"
include: "rules/detections.smk"
include: "rules/given_boxes.smk"
include: "rules/crops.smk"
include: "rules/keypoints.smk"
include: "rules/sets.smk"
include: "rules/imported_sets.smk"
include: "rules/pca.smk"
include: "rules/pairs.smk"
include: "rules/adjacent_pairs.smk"
include: "rules/export.smk"
include: "rules/pretrain.smk"
include: "rules/finetune.smk"
include: "rules/exchange.smk"
include: "rules/metrics.smk"
include: "rules/report.smk"
