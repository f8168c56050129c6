"""Hands in anybody's pictures and videos: found, predicted in 3D by a fine-tuned model, and drawn."""
