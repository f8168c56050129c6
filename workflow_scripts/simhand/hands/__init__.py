"""From frames to hands: detection, square crops, 2D keypoints."""
