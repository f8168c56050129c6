"""What can be known to go wrong before a long run is started, and what the run will cost."""
