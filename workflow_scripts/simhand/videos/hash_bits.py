"""What the bits of a perceptual hash mean, for those who compare hashes and see no frames."""

NOTHING_SEEN = 0
"""The hash of a frame that shows nothing: black, white, a fade, a card of one colour."""

MIRRORED_BITS = 0xAAAAAAAAAAAAAAAA
"""The bits that change when a frame is mirrored left to right: those of the odd horizontal frequencies."""
