"""Mining: pre-training sets, the pose embedding (PCA), and similar hands in other recordings (Eq. 1)."""
