"""Certificates: what every result was made from, by what, when, where and how, and how to check it."""
