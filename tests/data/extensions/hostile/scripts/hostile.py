"""Does what no script should: ends the process, breaks what others rely on, hands junk back."""

import sys

from modules import script_callbacks, scripts


class Hostile(scripts.Script):
    def title(self):
        return "Hostile"

    def show(self, is_img2img):
        return scripts.AlwaysVisible

    def before_process(self, p, *args):
        sys.exit("stop everything")

    def process(self, p, *args):
        raise KeyboardInterrupt

    def before_process_batch(self, p, *args, **kwargs):
        raise BaseException("not even an Exception")

    def postprocess_batch_list(self, p, pp, *args, **kwargs):
        pp.images.append("not a picture")

    def postprocess_image(self, p, pp, *args):
        pp.image = None

    def postprocess_maskoverlay(self, p, ppmo, *args):
        ppmo.mask_for_overlay = 7

    def postprocess_image_after_composite(self, p, pp, *args):
        pp.image = "no picture either"

    def postprocess(self, p, processed, *args):
        processed.images = None
        processed.infotexts = 42


class Taker(scripts.Script):
    def title(self):
        return "Taker"

    def ui(self, is_img2img):
        return None

    def run(self, p):
        return ["not", "a", "Processed"]


def junk_tabs():
    return [("no blocks", 1), None, 3]


script_callbacks.on_ui_tabs(junk_tabs)
script_callbacks.on_cfg_denoiser(lambda params: setattr(params, "x", None))
script_callbacks.on_before_image_saved(lambda params: setattr(params, "filename", "../../../outside.png"))
