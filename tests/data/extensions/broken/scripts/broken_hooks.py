"""Fails in every hook and callback."""

from modules import script_callbacks, scripts


class Script(scripts.Script):
    def title(self):
        return "Broken hooks"

    def show(self, is_img2img):
        return scripts.AlwaysVisible

    def before_process(self, p, *args):
        raise RuntimeError("broken in before_process")

    def process(self, p, too, many, parameters):
        pass

    def postprocess_image(self, p, pp, *args):
        pp.image.no_such_attribute  # noqa: B018

    def postprocess(self, p, processed, *args):
        raise SystemExit(3)


def fail(*args, **kwargs):
    raise RuntimeError("broken callback")


for register in (
    script_callbacks.on_app_started,
    script_callbacks.on_before_ui,
    script_callbacks.on_ui_tabs,
    script_callbacks.on_ui_settings,
    script_callbacks.on_after_component,
    script_callbacks.on_cfg_denoiser,
    script_callbacks.on_cfg_denoised,
    script_callbacks.on_before_image_saved,
    script_callbacks.on_image_saved,
    script_callbacks.on_model_loaded,
    script_callbacks.on_infotext_pasted,
):
    register(fail)


class Selectable(scripts.Script):
    def title(self):
        return "Broken run"

    def ui(self, is_img2img):
        return []

    def run(self, p):
        raise KeyError("broken in run")
