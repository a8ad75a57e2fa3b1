"""ComfyUI's rules: its noise, schedules, samplers, mask blending and prompts."""
