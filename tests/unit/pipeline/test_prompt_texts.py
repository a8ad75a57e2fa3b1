"""Styles, comments and textual inversions on their way through a job."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from modules.base.errors import InvalidRequest
from modules.pipeline.comments import strip_comments
from modules.pipeline.styles import Style, merge, read_styles
from modules.settings.options import Options
from tests.unit.pipeline.conftest import Run


@pytest.mark.parametrize(
    ("style", "prompt", "wanted"),
    [
        ("oil painting", "a cat", "a cat, oil painting"),
        ("oil, {prompt}, varnish", "a cat", "oil, a cat, varnish"),
        ("{prompt} and {prompt}", " a ", " a  and  a "),
        ("", " a cat ", "a cat"),
        (" oil ", "", "oil"),
        ("{prompt}", "", ""),
        ("", "", ""),
    ],
)
def test_merging(style: str, prompt: str, wanted: str) -> None:
    assert merge(style, prompt) == wanted


def test_reading_styles(tmp_path: Path) -> None:
    path = tmp_path / "styles.csv"
    assert read_styles(path) == []
    path.write_text('name,prompt,negative_prompt\nöl,"a, {prompt}",blurry\nplain,b,\nplain, c,d\n', "utf-8-sig")
    assert read_styles(path) == [Style("öl", "a, {prompt}", "blurry"), Style("plain", "c", "d")]
    path.write_text("name,text\nold,words\n", "utf-8")
    assert read_styles(path) == [Style("old", "words")]


@pytest.mark.parametrize(
    ("rows", "names"),
    [
        ('a,b,c\nwithout\n,no name,\n"d","e",f,too,many\nh,i\n', ["a", "d", "h"]),
        ('a,b,c\nlong,"' + "x" * 200_000 + '",\nd,e,f\n', ["a", "d"]),
        ("a,b,c\n\x00\x00,\x00,\nd,e,f\r\n", None),
        ('a,b,c\nopen,"never closed\nd,e,f\n', None),
        ("\n\n\n,,,,,,\n", []),
    ],
)
def test_hostile_rows_are_left_out(tmp_path: Path, rows: str, names: list[str] | None, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "styles.csv"
    path.write_bytes(b"name,prompt,negative_prompt\n" + rows.encode())
    found = [style.name for style in read_styles(path)]
    assert found == names if names is not None else found[0] == "a"
    assert "styles.csv, line" in caplog.text or names is None


def test_files_that_are_no_styles(tmp_path: Path) -> None:
    path = tmp_path / "styles.csv"
    path.write_bytes(bytes(range(256)) * 100)
    assert read_styles(path) == []
    with path.open("wb") as file:
        file.truncate(17 << 20)
    assert read_styles(path) == []
    assert read_styles(tmp_path) == []


def test_styles_of_a_request(run: Run, tmp_path: Path) -> None:
    (tmp_path / "styles.csv").write_text('name,prompt,negative_prompt\noil,"oil, {prompt}",flat\nwarm,warm light,"cold, {prompt}"\n')
    processed, _ = run(prompt="a cat", negative_prompt="dog", styles=["oil", "warm", "missing", "None"], n_iter=2)
    assert processed.all_prompts == ["oil, a cat, warm light"] * 2 and processed.all_negative_prompts == ["cold, dog, flat"] * 2
    assert processed.infotexts[0].startswith("oil, a cat, warm light\nNegative prompt: cold, dog, flat\nSteps:")
    info = processed.as_info()
    assert (info["prompt"], info["styles"]) == ("a cat", ["oil", "warm", "missing", "None"])
    assert [note for note in processed.notes if "style" in note] == ["found no style named 'missing', the picture was made without it"]
    merged, _ = run(prompt="oil, a cat, warm light", negative_prompt="cold, dog, flat", n_iter=2)
    assert processed.images[0].tobytes() == merged.images[0].tobytes()


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a cat", "a cat"),
        ("a cat # soft", "a cat \n"),
        ("a # b\nc", "a \nc"),
        ("# all\na", "\na"),
        ("a\n# line\nb", "a\nb"),
        ("a\n#x\n#y\nb", "a\n\nb"),
        ("a # x\n# y\nb", "a \nb"),
        ("a\n  # indented\nb", "a\n  \nb"),
        ("#", "\n"),
        ("", ""),
        ("#" * 100_000, "\n"),
    ],
)
def test_comments(text: str, wanted: str) -> None:
    assert strip_comments(text) == wanted


def test_comments_of_a_request(run: Run) -> None:
    processed, _ = run(prompt="a cat # draft\n# off\non grass", negative_prompt="dog #x")
    assert processed.infotexts[0].startswith("a cat \non grass\nNegative prompt: dog \n\nSteps:")
    assert processed.as_info()["prompt"] == "a cat # draft\n# off\non grass"
    plain, _ = run(prompt="a cat on grass", negative_prompt="dog")
    assert processed.images[0].tobytes() == plain.images[0].tobytes()
    kept, _ = run(prompt="a cat # draft", options=Options(enable_prompt_comments=False))
    assert kept.infotexts[0].startswith("a cat # draft\nSteps:")
    assert kept.images[0].tobytes() != run(prompt="a cat")[0].images[0].tobytes()


def write_embedding(folder: Path, name: str, width: int = 16) -> str:
    """The first digits of the file's hash."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.safetensors"
    save_file({"emb_params": np.full((2, width), len(name), "float32")}, path)
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def test_embeddings_change_the_picture_and_are_told(run: Run, tmp_path: Path) -> None:
    plain, _ = run(prompt="a one", negative_prompt="two")
    one, two = (write_embedding(tmp_path / "embeddings", name) for name in ("one", "two"))
    processed, _ = run(prompt="a one", negative_prompt="two", n_iter=2)
    assert f'Denoising strength: 0.75, TI hashes: "one: {one}, two: {two}", Version' in processed.infotexts[1]
    assert processed.images[0].tobytes() != plain.images[0].tobytes()
    quiet, _ = run(prompt="a one", negative_prompt="two", options=Options(textual_inversion_add_hashes_to_infotext=False))
    assert "TI hashes" not in quiet.infotexts[0] and quiet.infotexts[0].startswith("a one\n")


def test_order_of_keys_and_what_counts_as_brackets(run: Run, tmp_path: Path) -> None:
    one = write_embedding(tmp_path / "embeddings", "one")
    options = Options(emphasis="No norm")
    text = run(prompt="one AND [one:two:0.5]", negative_prompt="(x)", options=options)[0].infotexts[0]
    assert f'Emphasis: No norm, TI hashes: "one: {one}, one: {one}", Version' in text
    assert "Emphasis" not in run(prompt="[a:b:2] [c|d]", options=options)[0].infotexts[0]
    assert "Emphasis: No norm" in run(prompt="[a:(b):2]", options=options)[0].infotexts[0]


def test_a_job_with_the_same_words_but_another_file_is_encoded_anew(run: Run, tmp_path: Path) -> None:
    write_embedding(tmp_path / "embeddings", "one")
    first, context = run(prompt="one")
    context.fake.text.encoded_chunks = 0
    run(prompt="one", context=context)
    assert context.fake.text.encoded_chunks == 0
    (tmp_path / "embeddings" / "one.safetensors").unlink()
    without, _ = run(prompt="one", context=context)
    assert context.fake.text.encoded_chunks > 0 and "TI hashes" not in without.infotexts[0]
    assert without.images[0].tobytes() != first.images[0].tobytes()


def test_an_embedding_that_does_not_fit_is_said(run: Run, tmp_path: Path) -> None:
    write_embedding(tmp_path / "embeddings", "wide", width=24)
    (tmp_path / "embeddings" / "old.pt").write_bytes(b"PK\x03\x04")
    processed, _ = run(prompt="(wide:1.1), bold", negative_prompt="OLD", n_iter=2)
    assert [note[:55] for note in processed.notes] == [
        "The embedding 'wide' was not used: its vectors are 24 n",
        "The embedding 'old' was not used: a pickle file can run",
    ]


@pytest.mark.parametrize("field", ["prompt", "negative_prompt"])
@pytest.mark.parametrize("text", ["x" * 1_000_000, "((((" * 10_000, "<lora:" * 200_000, "a " * 10_000])
def test_endless_prompts_name_their_field(run: Run, field: str, text: str) -> None:
    with pytest.raises(InvalidRequest, match=f"^{field}: got .*, wanted at most"):
        run(**{field: text})


def test_each_picture_may_have_its_own_prompt_and_seed(run: Run) -> None:
    processed, _ = run(prompt=["a cat", "a dog"], negative_prompt=["blue", "red"], seed=[9, 4], batch_size=2)
    dog, _ = run(prompt="a dog", negative_prompt="red", seed=4)
    assert processed.pictures[1].tobytes() == dog.images[0].tobytes()
    assert processed.all_prompts == ["a cat", "a dog"] and processed.all_seeds == [9, 4] and processed.prompt == "a cat"
    assert processed.infotexts[2] == dog.infotexts[0]


@pytest.mark.parametrize("fields", [{"prompt": ["a"]}, {"negative_prompt": ["a"]}, {"seed": [1]}])
def test_too_few_prompts_or_seeds_are_refused(run: Run, fields: dict[str, list[object]]) -> None:
    with pytest.raises(InvalidRequest, match=f"{next(iter(fields))}: .* each of the 2 pictures"):
        run(n_iter=2, **fields)
