"""Many pictures as one job: pairing, the plan, what was done so far, and the report."""
