"""Files between the stages: atomic writes, Parquet tables with a schema version, packed images."""
