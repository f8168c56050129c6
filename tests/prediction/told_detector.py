"""A detector that is told where the hands are."""

from simhand.hands.detector import DetectedHand


class ToldDetector:
    """Finds in every picture the hands that it was made with; in a dark picture it finds none."""

    def __init__(self, *hands: DetectedHand) -> None:
        self.hands = list(hands)

    def detect(self, rgb, key):
        return self.hands if rgb.max() > 99 else []
