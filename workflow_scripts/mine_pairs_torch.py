"""Mine the most similar hands of other recordings with PyTorch, on a GPU if there is one."""

import argparse
from functools import partial

from simhand.device import choose_device
from simhand.mining.stage import mining_parser, write_pairs
from simhand.mining.torch_search import search_by_torch
from simhand.settings.pairs import PairsSettings
from simhand.stage import run_stage


def main(args: argparse.Namespace) -> None:
    """Write the pairs."""
    settings = PairsSettings.model_validate_json(args.settings)
    device = choose_device(settings.device, "pairs.device")
    write_pairs(args, settings, partial(search_by_torch, device=device))


if __name__ == "__main__":
    run_stage(mining_parser(__doc__), main)
