"""Face: A1111's `modules.img2img`."""

from __future__ import annotations

from modules.runtime.face_calls.answers import say_why_not

img2img = say_why_not("img2img.img2img", "give process_images a StableDiffusionProcessingImg2Img, or POST to /sdapi/v1/img2img")
process_batch = say_why_not("img2img.process_batch", "use the page's batch tab, launch.py img2img, or process_images for each picture")
