"""Fine-tuning: a DetNet on labelled hands, from a pre-trained encoder to predictions in metres."""
