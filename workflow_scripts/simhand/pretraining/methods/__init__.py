"""One file per method: what its views are, how they are augmented, and its loss."""
