"""Post-processing of finished pictures as a job: one, many, or a folder of them."""
