"""Contrastive pre-training of an encoder: methods, loss, augmentation, data and the training loop."""
