"""One file per method: what its two views are, how they are augmented, and its loss."""
