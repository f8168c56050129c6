"""The figures of a run: one style, one module per kind of picture."""
