"""Photos as queries: their hands, and the most similar hands of a mined set."""
