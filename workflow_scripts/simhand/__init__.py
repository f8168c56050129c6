"""SiMHand as a staged pipeline: mine similar hands in videos, pre-train on them, fine-tune, measure.

The library imports nothing of Snakemake. Each sub-package serves one or two stages and imports only
what the environment of its rules holds, so this file stays empty of imports.
"""
