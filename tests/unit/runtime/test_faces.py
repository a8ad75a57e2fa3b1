"""The names that A1111's extensions import: that they are there, and that they do what callers expect."""

from __future__ import annotations

import importlib
import pickle
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from PIL import Image

from modules.base.errors import InvalidImage, PentimentoError, UnsafePath
from modules.base.paths import Paths
from modules.pipeline.context import RUNNING
from modules.plugins.guard import describe
from modules.plugins.not_offered import NOT_OFFERED, why_not
from modules.runtime.session import Session
from modules.runtime.shared_objects import SHARED
from modules.settings.flags import Flags

NAMES = {
    "scripts": "Script AlwaysVisible basedir scripts_data PostprocessImageArgs PostprocessBatchListArgs",
    "shared": "opts OptionInfo OptionHTML state cmd_opts sd_model sd_upscalers options_section options_templates total_tqdm face_restorers "
    "device prompt_styles config_filename xformers_available models_path natural_sort_key listfiles walk_files demo",
    "processing": "process_images Processed StableDiffusionProcessingImg2Img StableDiffusionProcessing StableDiffusionProcessingTxt2Img "
    "fix_seed create_infotext create_binary_mask setup_color_correction apply_color_correction apply_overlay uncrop process_images_inner "
    "get_fixed_seed create_random_tensors opt_f opt_C decode_first_stage slerp program_version",
    "images": "save_image resize_image flatten read_info_from_image get_next_sequence_number FilenameGenerator image_grid split_grid "
    "combine_grid draw_grid_annotations GridAnnotation sanitize_filename_part save_image_with_geninfo image_data LANCZOS",
    "masking": "get_crop_region get_crop_region_v2 expand_crop_region fill",
    "devices": "device torch_gc cpu autocast without_autocast NansException get_optimal_device_name get_optimal_device dtype "
    "dtype_vae randn get_device_for test_for_nans has_mps",
    "safe": "unsafe_torch_load load load_with_extra",
    "launch_utils": "is_installed run_pip run args git_tag commit_hash python requirements_met repo_dir script_path check_run",
    "paths": "models_path data_path script_path extensions_dir sd_path",
    "paths_internal": "models_path data_path script_path extensions_dir extensions_builtin_dir default_output_dir",
    "sd_samplers": "samplers samplers_for_img2img all_samplers all_samplers_map create_sampler find_sampler_config visible_sampler_names",
    "sd_samplers_common": "setup_img2img_steps images_tensor_to_samples approximation_indexes SamplerData sample_to_image",
    "sd_samplers_kdiffusion": "KDiffusionSampler samplers_k_diffusion",
    "sd_schedulers": "schedulers schedulers_map Scheduler",
    "sd_models": "checkpoint_tiles get_closet_checkpoint_match model_hash reload_model_weights model_data CheckpointInfo list_models "
    "load_model select_checkpoint read_state_dict unload_model_weights",
    "sd_vae": "refresh_vae_list reload_vae_weights unspecified get_loaded_vae_name",
    "shared_items": "sd_vae_items refresh_vae_list list_samplers",
    "sd_hijack": "model_hijack",
    "prompt_parser": "parse_prompt_attention get_learned_conditioning_prompt_schedules get_learned_conditioning SdConditioning "
    "reconstruct_cond_batch get_multicond_learned_conditioning reconstruct_multicond_batch",
    "extra_networks": "parse_prompts parse_prompt ExtraNetwork ExtraNetworkParams register_extra_network activate deactivate",
    "call_queue": "wrap_gradio_gpu_call wrap_gradio_call wrap_queued_call queue_lock",
    "errors": "report display display_once print_error_explanation run",
    "extensions": "Extension active extensions",
    "lowvram": "send_everything_to_cpu is_enabled",
    "modelloader": "load_file_from_url load_models friendly_name",
    "infotext_utils": "parse_generation_parameters create_override_settings_dict register_paste_params_button ParamBinding quote "
    "create_buttons bind_buttons image_from_url_text add_paste_fields connect_paste_params_buttons paste_fields",
    "generation_parameters_copypaste": "parse_generation_parameters ParamBinding",
    "cmd_args": "parser",
    "shared_cmd_options": "cmd_opts parser",
    "progress": "current_task pending_tasks add_task_to_queue create_task_id",
    "face_restoration": "FaceRestoration restore_faces",
    "rng": "ImageRNG randn slerp",
    "hashes": "sha256 calculate_sha256",
    "cache": "cache cached_data_for_file",
    "timer": "Timer startup_timer",
    "util": "natural_sort_key listfiles walk_files load_file_from_url topological_sort",
    "styles": "StyleDatabase",
    "script_loading": "load_module",
    "txt2img": "txt2img",
    "img2img": "img2img",
    "api.api": "encode_pil_to_base64 decode_base64_to_image Api",
    "api.models": "StableDiffusionImg2ImgProcessingAPI BaseModel Field Any Optional",
    "upscaler": "Upscaler UpscalerData",
    "scripts_postprocessing": "ScriptPostprocessing PostprocessedImage",
    "script_callbacks": "on_ui_settings on_app_started on_ui_tabs on_after_component on_cfg_denoiser ImageSaveParams CFGDenoiserParams",
}


@pytest.fixture(autouse=True)
def session(tmp_path: Path) -> Iterator[Session]:
    """What the module-level names show during a test."""
    made = Session(Paths.under(tmp_path), Flags(), process=lambda request, context: context)
    SHARED.bind(made)
    yield made
    made.close()
    SHARED._session = None


@pytest.mark.parametrize("module", NAMES)
def test_every_name_is_there(module: str) -> None:
    found = importlib.import_module(f"modules.{module}")
    missing = [name for name in NAMES[module].split() if not hasattr(found, name)]
    assert not missing


def test_what_is_not_offered_says_why() -> None:
    assert all(importlib.util.find_spec(name) is None for name in NOT_OFFERED if name.startswith("modules."))
    assert why_not("ldm.modules.diffusionmodules.util") == NOT_OFFERED["ldm"] and why_not("modules.shared") is None
    with pytest.raises(ModuleNotFoundError) as caught:
        importlib.import_module("modules_forge.shared")
    assert "does not offer modules_forge" in describe(caught.value)
    assert describe(ModuleNotFoundError("No module named 'rembg'", name="rembg")).endswith("'rembg'")
    assert "another torch" in describe(RuntimeError("operator torchvision::nms does not exist"))


def test_an_option_of_an_extension_is_one_of_opts() -> None:
    from modules import shared

    told: list[str] = []
    shared.opts.add_option("face_test", shared.OptionInfo(3, "Test", section=("t", "T")))
    shared.options_templates.update(shared.options_section(("t", "T"), {"face_other": shared.OptionInfo("x", "Other")}))
    try:
        assert (shared.opts.face_test, shared.opts.data["face_other"], shared.opts.data.get("face_none", 4)) == (3, "x", 4)
        assert shared.opts.data_labels["face_test"].section == ("t", "T") and shared.opts.data_labels["n_rows"].default == -1
        shared.opts.onchange("face_test", lambda: told.append("changed"), call=False)
        shared.opts.data["face_test"] = 5
        assert shared.opts.face_test == 5 and told == ["changed"] and '"face_test": 5' in shared.opts.dumpjson()
        assert shared.opts.ESRGAN_tile == 192 and shared.opts.get_default("face_test") == 3
        shared.opts.my_own_state = object()
        assert shared.opts.my_own_state is shared.opts.data["my_own_state"]
    finally:
        for name in ("face_test", "face_other"):
            del shared.opts.data_labels[name]


def test_flags_have_a1111s_types(tmp_path: Path) -> None:
    from modules.shared import cmd_opts

    assert (cmd_opts.lowvram, cmd_opts.use_cpu, cmd_opts.api, cmd_opts.ckpt_dir) == (False, [], True, None)
    assert cmd_opts.lora_dir == str(tmp_path / "models" / "Lora")
    assert not hasattr(cmd_opts, "no_such_flag")


def test_only_tensors_are_loaded(tmp_path: Path) -> None:
    from modules.safe import unsafe_torch_load

    torch.save({"a": torch.ones(2)}, tmp_path / "good.pt")
    assert unsafe_torch_load(str(tmp_path / "good.pt"))["a"].tolist() == [1, 1]
    torch.save({"a": SimpleNamespace()}, tmp_path / "bad.pt")
    with pytest.raises(pickle.UnpicklingError, match=r"bad\.pt is refused"):
        unsafe_torch_load(tmp_path / "bad.pt")


def test_pictures_travel_as_bytes_of_base64() -> None:
    from modules.api.api import decode_base64_to_image, encode_pil_to_base64

    text = encode_pil_to_base64(Image.new("RGB", (9, 5), "red")).decode("utf-8")
    assert decode_base64_to_image(text).getpixel((0, 0)) == (255, 0, 0)
    assert decode_base64_to_image(f"data:image/png;base64,{text}").size == (9, 5)
    with pytest.raises(InvalidImage):
        decode_base64_to_image("nothing")


def test_infotext_helpers() -> None:
    from modules import infotext_utils as infotext

    parsed = infotext.parse_generation_parameters("a cat\nSteps: 20, Sampler: Euler, Seed: 5, Size: 512x768, Clip skip: 2")
    assert (parsed["Prompt"], parsed["Size-2"], parsed["Clip skip"]) == ("a cat", "768", "2")
    assert infotext.create_override_settings_dict(["Clip skip: 2", "ENSD: x", "Other: 1"]) == {"CLIP_stop_at_last_layers": 2}
    assert ("Clip skip", "CLIP_stop_at_last_layers", 2) in infotext.get_override_settings(parsed)
    assert infotext.unquote(infotext.quote("a, b")) == "a, b"
    with pytest.raises(UnsafePath):
        infotext.image_from_url_text([{"name": "/etc/hostname", "is_file": True}])


def test_nothing_is_downloaded(tmp_path: Path) -> None:
    from modules.modelloader import load_file_from_url, load_models

    with pytest.raises(PentimentoError, match=r"net\.pth is missing.*example\.org"):
        load_file_from_url("https://example.org/net.pth", model_dir=str(tmp_path))
    (tmp_path / "net.pth").touch()
    assert load_file_from_url("https://example.org/net.pth", model_dir=str(tmp_path)) == str(tmp_path / "net.pth")
    assert load_models(str(tmp_path), ext_filter=[".pth"]) == [str(tmp_path / "net.pth")]


def test_a_request_from_outside_becomes_a_job(session: Session) -> None:
    from modules.processing import StableDiffusionProcessingImg2Img, process_images

    p = StableDiffusionProcessingImg2Img(init_images=[Image.new("RGB", (8, 8))], script_args=(2, "x"))
    context = process_images(p)
    assert context.job.request is p and context.job.owner == "extension" and p.script_args == [0, "x"]


def test_a_handler_of_a_tab_runs_as_a_job_and_shows_its_error(session: Session) -> None:
    from modules import shared
    from modules.call_queue import wrap_gradio_gpu_call

    def work(task: str, number: int) -> list[Any]:
        shared.state.job_count = number
        running = RUNNING.get()
        return [running is not None, threading.current_thread() is not caller, session.queue.running().id, "done"]

    caller = threading.current_thread()
    outputs = wrap_gradio_gpu_call(work)("task(7)", 3)
    assert outputs[:3] == [True, True, "task(7)"] and "Time taken" in outputs[3]
    failed = wrap_gradio_gpu_call(lambda: 1 // 0, extra_outputs=["kept"])()
    assert failed[0] == "kept" and "ZeroDivisionError" in failed[1]


def test_what_extensions_remember_of_files(tmp_path: Path) -> None:
    from modules import cache, hashes

    file = tmp_path / "a.txt"
    file.write_text("a")
    made: list[int] = []
    for _ in range(2):
        assert cache.cached_data_for_file("things", "a", str(file), lambda: made.append(1) or "value") == "value"
    assert len(made) == 1 and cache.cache("things")["a"]["value"] == "value"
    assert hashes.sha256(str(file), "a") == hashes.sha256_from_cache(str(file), "a") == hashes.calculate_sha256(str(file))
    assert hashes.sha256(str(tmp_path / "none"), "none") is None


def test_conditioning_in_a1111s_shapes_means_the_same() -> None:
    from modules import prompt_parser
    from modules.backends.fake import FakeModel
    from modules.engine.prompts.conditioning import build_conditioning
    from modules.engine.prompts.script_prompts import as_conditioning

    model, prompts = FakeModel(), ["a [cat:dog:0.5] AND a tree :0.5", "plain"]
    wanted = build_conditioning(prompts, 10, model.text)
    made = prompt_parser.get_multicond_learned_conditioning(model, prompts, 10)
    for step in (0, 9):
        rows, vectors = prompt_parser.reconstruct_multicond_batch(made, step)
        assert torch.equal(vectors, wanted.at(step).vectors) and [tuple(row) for row in rows] == list(wanted.at(step).weights)
    single = prompt_parser.get_learned_conditioning(model, ["plain"], 10)
    assert torch.equal(prompt_parser.reconstruct_cond_batch(single, 3), model.get_learned_conditioning(["plain"]))
    assert torch.equal(
        as_conditioning(model.get_learned_conditioning(["plain"])).at(99).vectors, prompt_parser.reconstruct_cond_batch(single, 0)
    )
    with pytest.raises(TypeError):
        as_conditioning("plain")
