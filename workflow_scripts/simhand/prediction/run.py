"""Everything that was named, from the first picture to the last: detected, predicted, drawn and noted."""
