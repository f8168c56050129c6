"""From the user's videos to timed frames: index, decoding, recording groups."""
