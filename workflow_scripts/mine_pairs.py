"""Mine the most similar hands of other recordings for every hand of a set."""

import argparse

from simhand.mining.backends import search_named
from simhand.mining.stage import mining_parser, write_pairs
from simhand.settings.pairs import PairsSettings
from simhand.stage import run_stage


def main(args: argparse.Namespace) -> None:
    """Write the pairs."""
    settings = PairsSettings.model_validate_json(args.settings)
    write_pairs(args, settings, search_named(settings))


if __name__ == "__main__":
    run_stage(mining_parser(__doc__), main)
