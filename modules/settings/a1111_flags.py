"""Flags of A1111 1.10.1 that Pentimento does not have, as scripts find them on `shared.cmd_opts`: switched off, or at A1111's defaults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SWITCHES = frozenset(
    """
    add_stop_route administrator allow_code always_batch_cond_uncond api_log api_server_stop disable_all_extensions
    disable_console_progressbars disable_extra_extensions disable_model_loading_ram_optimization disable_nan_check
    disable_opt_split_attention disable_safe_unpickle disable_tls_verify do_not_download_clip enable_console_prompts
    enable_insecure_extension_access force_enable_xformers freeze_settings gradio_debug gradio_inpaint_tool hide_ui_dir_config
    lowram lowvram medvram medvram_sdxl no_gradio_queue no_half_vae no_hashing no_progressbar_hiding no_prompt_history
    opt_channelslast opt_sdp_attention opt_sdp_no_mem_attention opt_split_attention opt_split_attention_invokeai
    opt_split_attention_v1 opt_sub_quad_attention opt_ipex precision_full reinstall_torch reinstall_xformers share
    skip_load_model_at_start skip_prepare_environment skip_python_version_check skip_torch_cuda_test skip_version_check test_server
    ui_debug_mode unix_filenames_sanitization update_all_extensions update_check upcast_sampling use_ipex use_textbox_seed
    vae_in_float32 xformers
    """.split()
)
VALUES: Mapping[str, Any] = {
    "clip_models_path": None,
    "control_net_model_path": None,
    "cors_allow_origins_regex": None,
    "device_id": None,
    "disable_restricted_settings": [],
    "filenames_max_length": 128,
    "freeze_settings_in_sections": None,
    "freeze_specific_settings": None,
    "gradio_allowed_path": [],
    "gradio_auth_path": None,
    "gradio_img2img_tool": None,
    "gradio_queue": True,
    "max_batch_count": 16,
    "ngrok": None,
    "no_download_sd_model": True,
    "precision": "autocast",
    "server_name": None,
    "sub_quad_chunk_threshold": None,
    "sub_quad_kv_chunk_size": None,
    "sub_quad_q_chunk_size": 1024,
    "subpath": "",
    "theme": None,
    "timeout_keep_alive": 30,
    "tls_certfile": None,
    "tls_keyfile": None,
    "vae_dir": None,
    "vae_path": None,
}
FOLDERS: Mapping[str, str] = {
    "bsrgan_models_path": "models/BSRGAN",
    "codeformer_models_path": "models/Codeformer",
    "dat_models_path": "models/DAT",
    "data_dir": "",
    "embeddings_dir": "embeddings",
    "esrgan_models_path": "models/ESRGAN",
    "gfpgan_dir": "models/GFPGAN",
    "gfpgan_models_path": "models/GFPGAN",
    "hypernetwork_dir": "models/hypernetworks",
    "ldsr_models_path": "models/LDSR",
    "localizations_dir": "localizations",
    "lora_dir": "models/Lora",
    "lyco_dir": "models/LyCORIS",
    "realesrgan_models_path": "models/RealESRGAN",
    "scunet_models_path": "models/ScuNET",
    "styles_file": "styles.csv",
    "swinir_models_path": "models/SwinIR",
    "textual_inversion_templates_dir": "textual_inversion_templates",
    "ui_config_file": "ui-config.json",
    "ui_settings_file": "config.json",
}
"""Below the data folder; scripts want texts, not paths."""
