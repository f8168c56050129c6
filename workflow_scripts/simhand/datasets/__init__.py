"""The labelled data sets as published, each read from its own layout into one form."""
