"""Find the most similar hands of a mined set for every hand in some photos.

The hands of a photo are found, cropped and embedded as those of the run were, by what its files say: same
detector, same crop, same normalisation, the PCA as fitted there. The search is exact and over the whole set.
Exit code 3 says that a photo has no hand to compare; the others have their results then.
"""

import argparse
import logging
from pathlib import Path

from simhand.errors import NothingFoundError
from simhand.query.answer import write_answer
from simhand.query.found_with import for_photos
from simhand.query.matches import find_matches
from simhand.query.photos import find_hands, read_photos
from simhand.query.queried_set import load_queried_set, set_to_query
from simhand.stage import run_stage, stage_parser

log = logging.getLogger("simhand")


def main(args: argparse.Namespace) -> None:
    """Write a folder of matches per photo."""
    photos = read_photos(args.photos)
    queried = load_queried_set(args.run_dir, set_to_query(args.run_dir, args.set))
    found_with, remarks = for_photos(queried.found_with)
    for remark in remarks:
        log.warning("%s", remark)
    hands = find_hands(photos, found_with)
    matches = find_matches(queried, hands, args.count)
    without = []
    for number, photo in enumerate(photos):
        of_photo = [(hand, near) for hand, near in zip(hands, matches, strict=True) if hand.photo == number]
        answers = [(hand, near) for hand, near in of_photo if near]
        if len(answers) < len(of_photo):
            log.warning(
                "%s: %d hands cannot be compared: no keypoints were found in them, or they are too "
                "small to scale",
                photo.name,
                len(of_photo) - len(answers),
            )
        if not answers:
            without.append(photo.name)
            continue
        folder = (args.out or args.run_dir / "query") / photo.name
        write_answer(folder, photo, queried.mined.name, answers)
        nearest = ", ".join(f"{near[0].distance:.3f}" for _, near in answers)
        log.info(
            "%s: %d hands, the most similar at distance %s: %s", photo.name, len(answers), nearest, folder
        )
    if without:
        raise NothingFoundError(
            f"no hand to compare in {len(without)} of {len(photos)} photos: {', '.join(without)}; a hand "
            "should be seen whole, and not be small beside the picture"
        )


if __name__ == "__main__":
    parser = stage_parser(__doc__)
    parser.add_argument("--photos", type=Path, nargs="+", required=True, help="image files")
    parser.add_argument("--run-dir", type=Path, required=True, help="results/<run>")
    parser.add_argument("--set", help="a mined set of the run; may be left out if it has only one")
    parser.add_argument("--count", type=int, default=16, help="most similar hands to give for each hand")
    parser.add_argument("--out", type=Path, help="folder of the results; by default <run>/query")
    run_stage(parser, main)
