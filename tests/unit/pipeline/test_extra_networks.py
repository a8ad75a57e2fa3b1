"""`<lora:...>` in prompts: A1111's grammar, what reaches the model, and what a person is told."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from modules.backends.fake import FakeModel
from modules.base.errors import InvalidRequest, UnusableNetwork
from modules.pipeline.extra_networks import ExtraNetwork, ExtraNetworkParams, parse_prompt, parse_prompts, register_extra_network
from modules.plugins.runner import ScriptRunner
from modules.plugins.script import Script
from modules.settings.options import Options
from tests.unit.pipeline.conftest import Run


@pytest.fixture
def loras(tmp_path: Path) -> Path:
    """A folder with `cat`, `dog` (made as "Good Dog") and a pickle, `old`."""
    folder = tmp_path / "models" / "Lora"
    folder.mkdir(parents=True)
    tensors = {"lora_unet_conv_in.lora_up.weight": torch.ones(4, 1), "lora_unet_conv_in.lora_down.weight": torch.ones(1, 4)}
    save_file(tensors, folder / "cat.safetensors")
    save_file({"lora_unet_conv_in.diff": torch.ones(4)}, folder / "dog.safetensors", metadata={"ss_output_name": "Good Dog"})
    (folder / "old.pt").write_bytes(b"\x80")
    return folder


def merged(model: FakeModel) -> list[tuple[str, float, float, int | None]]:
    return [(network.file.name, network.te, network.unet, network.rank_limit) for network in model.networks]


def test_a_prompt_is_read_as_a1111_reads_it() -> None:
    text, data = parse_prompt("a <lora:x:0.5:te=1:unet=a=b> b<lora:y><hyper:z:1> <not this> < lora:n> <lora:>")
    assert text == "a  b <not this> < lora:n> <lora:>"
    assert list(data) == ["lora", "hyper"]
    first, second = data["lora"]
    assert first.items == ["x", "0.5", "te=1", "unet=a=b"] and first.positional == ["x", "0.5", "unet=a=b"] and first.named == {"te": "1"}
    assert second.positional == ["y"] and second.named == {}


def test_all_prompts_are_cleaned_and_the_first_ones_networks_taken() -> None:
    texts, data = parse_prompts(["a<lora:x:1>", "b<lora:y:1>"])
    assert texts == ["a", "b"] and [params.positional for params in data["lora"]] == [["x", "1"]]
    assert parse_prompts([]) == ([], {})


@pytest.mark.parametrize("text", ["<a:" * 330_000, "<" * 1_000_000, "<a" * 500_000, ">" * 1_000_000, "<lora:x" * 140_000 + ">"])
def test_a_megabyte_is_read_at_once(text: str) -> None:
    started = time.process_time()
    parse_prompt(text)
    assert time.process_time() - started < 2


@pytest.mark.parametrize(
    ("mention", "wanted"),
    [
        ("<lora:cat>", ("cat", 1.0, 1.0, None)),
        ("<lora:cat:0.8>", ("cat", 0.8, 0.8, None)),
        ("<lora:cat:0.8:-0.3>", ("cat", 0.8, -0.3, None)),
        ("<lora:cat:0.8:0.3:4>", ("cat", 0.8, 0.3, 4)),
        ("<lora:cat:te=0.4>", ("cat", 0.4, 0.4, None)),
        ("<lora:cat:0.9:unet=0.4>", ("cat", 0.9, 0.4, None)),
        ("<lora:cat:0.9:0.1:te=0.5:dyn=2>", ("cat", 0.5, 0.1, 2)),
        ("<lyco:cat:0.8>", ("cat", 0.8, 0.8, None)),
        ("<lora:Good Dog:0.8>", ("dog", 0.8, 0.8, None)),
    ],
)
def test_numbers_reach_the_model(mention: str, wanted: tuple[Any, ...], run: Run, loras: Path) -> None:
    model = FakeModel()
    processed, _ = run(model, prompt=f"a {mention}")
    assert merged(model) == [wanted] and processed.notes == []


def test_several_keep_their_order_and_a_repeated_name_its_last_numbers(run: Run, loras: Path) -> None:
    model = FakeModel()
    run(model, prompt="<lora:dog:0.1><lora:cat:0.5> a <lora:dog:0.3:0.7>")
    assert merged(model) == [("dog", 0.3, 0.7, None), ("cat", 0.5, 0.5, None), ("dog", 0.3, 0.7, None)]


def test_a_job_without_them_or_with_them_disabled_restores_the_model(run: Run, loras: Path) -> None:
    model = FakeModel()
    run(model, prompt="a <lora:cat:1>")
    assert merged(model)
    run(model, prompt="a")
    assert not merged(model)
    run(model, prompt="a <lora:cat:1>")
    processed, _ = run(model, prompt="a <lora:cat:1>", disable_extra_networks=True, options=Options(sd_lora="dog"))
    assert not merged(model) and "Lora hashes" not in processed.infotexts[0] and processed.infotexts[0].startswith("a <lora:cat:1>")


def test_negative_prompts_are_left_alone(run: Run, loras: Path) -> None:
    model = FakeModel()
    run(model, negative_prompt="a <lora:cat:1>")
    assert not merged(model)


def test_infotext_names_them_with_their_hashes(run: Run, loras: Path) -> None:
    fields = {"prompt": "a <lora:cat:1><lora:Good Dog:1>"}
    processed, _ = run(**fields)
    hashes = processed.extra_generation_params["Lora hashes"]
    assert hashes.startswith("cat: ") and ", Good Dog: " in hashes and len(hashes) == len("cat: , Good Dog: ") + 2 * 12
    assert f'Lora hashes: "{hashes}", Version' in processed.infotexts[0]
    processed, _ = run(options=Options(lora_add_hashes_to_infotext=False), **fields)
    assert "Lora hashes" not in processed.infotexts[0]


def test_a_missing_one_is_told_with_similar_names_and_the_picture_is_made(run: Run, loras: Path) -> None:
    model = FakeModel()
    processed, _ = run(model, prompt="a <lora:catt:1><lora:dog:1>", n_iter=2, batch_size=2)
    assert merged(model) == [("dog", 1.0, 1.0, None)]
    assert processed.notes == ["found no LoRA named 'catt', the picture was made without it; similar: cat"]
    assert len(processed.infotexts) == 5 and "catt:" not in processed.extra_generation_params["Lora hashes"]


def test_unknown_kinds_leave_the_text_with_a_note(run: Run, loras: Path) -> None:
    processed, _ = run(prompt="a <hypernet:x:1> <foo:y> <foo:z>")
    assert processed.notes == [
        "<hypernet:...> was left out: hypernetworks are not supported",
        "<foo:...> was left out: nothing of this kind is known",
    ]


@pytest.mark.parametrize("numbers", ["1e30", "1:-1000.5", "te=2000", "1:unet=1e9"])
def test_a_multiplier_far_out_of_range_names_its_lora(numbers: str, run: Run, loras: Path) -> None:
    with pytest.raises(InvalidRequest, match="multiplier from -1000 to 1000") as caught:
        run(prompt=f"a <lora:cat:{numbers}>")
    assert caught.value.got == f"<lora:cat:{numbers}>"
    run(prompt="a <lora:cat:-1000:1000>")


@pytest.mark.parametrize(
    "mention", ["<lora:cat:x>", "<lora:cat:nan>", "<lora:cat:1:1e999>", "<lora:te=1>", "<lora:cat:1:1:1.5>", "<lora:cat:>"]
)
def test_numbers_that_cannot_be_read_are_an_error(mention: str, run: Run, loras: Path) -> None:
    with pytest.raises(InvalidRequest, match="prompt"):
        run(prompt=mention)


def test_so_many_are_taken(run: Run, loras: Path) -> None:
    with pytest.raises(InvalidRequest, match="at most 100"):
        run(prompt="<lora:cat:1>" * 101)


def test_a_refused_file_is_an_error_that_names_it(run: Run, loras: Path) -> None:
    with pytest.raises(UnusableNetwork, match=r"'old' cannot be used: old\.pt: a pickle file"):
        run(prompt="a <lora:old:1>")
    (loras / "cat.safetensors").write_bytes(b"\xff" * 50)
    with pytest.raises(UnusableNetwork, match=r"cat\.safetensors"):
        run(prompt="a <lora:cat:1>")


def test_the_settings_lora_is_added_to_every_prompt_but_once(run: Run, loras: Path) -> None:
    model, options = FakeModel(), Options(sd_lora="cat", extra_networks_default_multiplier=0.6)
    processed, _ = run(model, options, prompt="a <lora:dog>", n_iter=2)
    assert merged(model) == [("dog", 1.0, 1.0, None), ("cat", 0.6, 0.6, None)]
    assert processed.all_prompts == ["a <lora:dog><lora:cat:0.6>"] * 2
    processed, _ = run(model, options, prompt="a <lora:cat:0.2>")
    assert merged(model) == [("cat", 0.2, 0.2, None)] and processed.all_prompts == ["a <lora:cat:0.2>"]
    processed, _ = run(model, Options(sd_lora="gone"), prompt="a")
    assert merged(model) == [] and processed.notes == ["the LoRA of the settings, 'gone', is not there"]


def test_conditioning_is_encoded_anew_for_another_text_multiplier_alone(run: Run, loras: Path) -> None:
    model = FakeModel()
    _, context = run(model, prompt="a <lora:cat:1:1>")
    encoded = model.text.encoded_chunks
    run(model, context=context, prompt="a <lora:cat:1:0.5>")
    assert model.text.encoded_chunks == encoded
    run(model, context=context, prompt="a <lora:cat:0.5:0.5>")
    assert model.text.encoded_chunks > encoded


class Watching(Script):
    def __init__(self) -> None:
        self.seen: list[tuple[str, Any, Any]] = []

    def title(self) -> str:
        return "Watching"

    def after_extra_networks_activate(self, p: Any, *args: Any, **named: Any) -> None:
        self.seen.append(("after", merged(p.sd_model), named))
        p.prompts = [f"{prompt}!" for prompt in p.prompts]

    def process_batch(self, p: Any, *args: Any, **named: Any) -> None:
        self.seen.append(("process_batch", merged(p.sd_model), named))


def test_the_hook_comes_after_activation_and_before_process_batch(run: Run, loras: Path) -> None:
    script = Watching()
    run(prompt="a <lora:cat:0.5>", scripts=ScriptRunner([], [script]))
    (first, networks, named), (second, _, later) = script.seen
    assert (first, second) == ("after", "process_batch") and networks == [("cat", 0.5, 0.5, None)]
    assert named["prompts"] == ["a "] and named["batch_number"] == 0 and named["seeds"] == [5]
    assert named["extra_network_data"] == {"lora": [ExtraNetworkParams(["cat", "0.5"])]}
    assert later["prompts"] == ["a !"]
    script.seen.clear()
    run(prompt="a <lora:cat:0.5>", scripts=ScriptRunner([], [script]), disable_extra_networks=True)
    assert [name for name, _, _ in script.seen] == ["process_batch"]


class Foreign(ExtraNetwork):
    def __init__(self, name: str, calls: list[Any]) -> None:
        super().__init__(name)
        self.calls = calls

    def activate(self, p: Any, params_list: list[ExtraNetworkParams]) -> None:
        self.calls.append([params.positional for params in params_list])
        if params_list and params_list[0].positional == ["fail"]:
            raise RuntimeError("third party")

    def deactivate(self, p: Any) -> None:
        self.calls.append("over")


def test_an_extension_may_add_a_kind_whose_fault_costs_no_picture(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Any] = []
    monkeypatch.setattr("modules.pipeline.extra_networks.EXTRA_NETWORKS", {})
    register_extra_network(Foreign("foreign", calls))
    processed, _ = run(prompt="a <foreign:x:1>")
    assert calls == [[["x", "1"]], "over"] and processed.notes == []
    processed, _ = run(prompt="a <foreign:fail>")
    assert processed.notes == ["<foreign:...> was left out: it failed; the log says why"]
    run(prompt="a")
    assert calls[-1] == []
