"""What any long training needs: a folder that outlives its job, a lock, checkpoints, and a way to stop."""
