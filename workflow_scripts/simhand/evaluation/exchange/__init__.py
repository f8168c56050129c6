"""Predictions in other people's forms: reading and writing them."""
