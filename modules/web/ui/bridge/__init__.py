"""What extensions written for A1111's page find here: Gradio 3's dialect, its widgets, and a look at every component of ours."""
