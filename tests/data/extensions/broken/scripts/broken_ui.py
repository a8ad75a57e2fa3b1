"""Cannot build its controls."""

from modules import scripts


class Script(scripts.Script):
    def title(self):
        return "Broken controls"

    def ui(self, is_img2img):
        raise ValueError("no controls today")


class Junk(scripts.Script):
    def title(self):
        return "Junk controls"

    def ui(self, is_img2img):
        return [1, "two", object()]
