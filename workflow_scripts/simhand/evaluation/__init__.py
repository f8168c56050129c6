"""Evaluation: alignments, error curves and the protocols of the paper and of the data sets' own tools."""
