"""The annotation files of the authors' Hand100M release: read to pre-train on, and written from own pairs."""
