"""Samplers that ComfyUI has and AUTOMATIC1111 has not, and its list of all."""
