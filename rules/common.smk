"""What the DAG is built from: the checked config, the index of videos, and the code behind each rule.

Needs `config` to be loaded; gives CONFIG, RESULTS, VIDEOS, SHARDS and the small functions the rules share.
"""

import json
import os
import re
from collections import defaultdict

from snakemake.exceptions import WorkflowError

from simhand.errors import SimhandError
from simhand.preflight.present_sources import asks_to_look_ahead, index_of_present
from simhand.settings.check import inferred_switches, load_config
from simhand.stage_code import stage_code
from simhand.videos.index import index_of_run, read_index, write_index
from simhand.world.catalogue import video_ids


def in_use(videos):
    """The videos of the index that belong to the sources as they are configured now."""
    sources, rendered = CONFIG.all_sources(), set(video_ids(CONFIG.world))
    return [
        video
        for video in videos
        if video.source in sources
        and (sources[video.source].kind != "rendered" or video.video_id in rendered)
    ]


def by_shard(videos):
    """The videos of every shard, by source and shard."""
    shards = defaultdict(list)
    for video in videos:
        shards[video.source, video.shard].append(video)
    return shards


# a preflight goes on without sources and data sets that are not there, and names them all
LOOKS_AHEAD = asks_to_look_ahead(sys.argv[1:], os.environ)

try:
    CONFIG = load_config(config)
    RESULTS = f"results/{CONFIG.run}"
    INDEX_FILE = Path(RESULTS) / "videos.tsv"
    INDEX_OF = (INDEX_FILE, CONFIG.all_sources(), CONFIG.shard_size, CONFIG.world)
    INDEX = index_of_present(*INDEX_OF)[0] if LOOKS_AHEAD else index_of_run(*INDEX_OF)
except SimhandError as error:
    raise WorkflowError(str(error)) from None

VIDEOS = in_use(INDEX)
VIDEOS_OF_SHARD = by_shard(VIDEOS)
SHARDS = sorted(VIDEOS_OF_SHARD)


def code(script):
    """A script and the library files it imports, as inputs, so that an edit re-runs the stage."""
    return [os.path.relpath(path) for path in stage_code(WORKFLOW_DIR / "workflow_scripts" / script)]


def library_files(folder):
    """Files of the library that are not Python, such as templates."""
    found = sorted((WORKFLOW_DIR / "workflow_scripts/simhand" / folder).iterdir())
    return [os.path.relpath(path) for path in found]


def settings(section, exclude=None):
    """A config section as JSON: one string, so that two swapped values are noticed as a change.

    Keys to `exclude` are those that no job needs to know, so that changing them runs nothing again.
    """
    return getattr(CONFIG, section).model_dump_json(exclude=exclude)


def one_of(names):
    """A pattern for a wildcard that stands for one of ``names``, which may be none."""
    return "|".join(map(re.escape, names)) or "(?!)"


def per_shard(pattern, sources="all"):
    """``pattern`` filled in for every shard of the named sources."""
    return [
        pattern.format(results=RESULTS, source=source, shard=shard)
        for source, shard in SHARDS
        if sources == "all" or source in sources
    ]


def videos_of(wildcards):
    """The videos of a shard as the index names them, so that a changed shard is done again."""
    rows = VIDEOS_OF_SHARD[wildcards.source, wildcards.shard]
    return json.dumps([[video.video_id, video.path] for video in rows])


def growing(amount):
    """A resource of which a job that failed is given more: `amount` times the attempt."""
    return lambda wildcards, attempt: attempt * amount


def run_dir(wildcards):
    """The folder of the run, for `params`; as a function, since a path there looks hard-coded to --lint."""
    return RESULTS
