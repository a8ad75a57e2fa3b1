"""Taking pictures apart by Qwen-Image-Layered."""
