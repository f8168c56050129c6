"""Boxes and keypoints that the user brings along, read from files and brought to the hands of a run."""
