"""Tables, figures and the report: what a run found, beside what the paper says."""
