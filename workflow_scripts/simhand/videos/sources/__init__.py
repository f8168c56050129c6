"""Lists the videos of every kind of source; no video is opened."""
