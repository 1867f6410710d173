"""Tables of the images recipe against a few results worked out by hand."""

import copy
import json

import pytest
from images_facts import bits_facts, first_stage_facts, second_stage_facts

from recipes.images.bits_table import format_bits, markdown_bits
from recipes.images.result_files import FILES
from recipes.images.results import app
from recipes.images.stage_tables import markdown_first_stage, markdown_second_stage
from vqspeech.cli.leave import run_for_status
from vqspeech.errors import InputError


def cells(markdown):
    """Rows of all Markdown tables, by the first cell of each."""
    rows = [line[2:-2].split(" | ") for line in markdown.split("\n") if line[:1] == "|"]
    return {row[0].strip(): [cell.strip() for cell in row[1:]] for row in rows}


def test_a_system_has_its_error_its_parts_and_its_effective_samples():
    rows = cells(markdown_bits(bits_facts()))
    assert rows["VAE"] == ["4.500", "0.250", "1.500", "3.000", "3", "20", "", "4.51"]
    assert rows["VIMCO, 50 samples"] == ["5.750", "0.500", "", "", "3", "20", "2.5", "5.14"]
    assert rows["VIMCO, 1 sample"][-1] == ""  # a bound that the paper gives no figure for


def test_systems_stand_in_the_papers_order():
    text = format_bits(bits_facts())
    starts = [text.index(f"\n{name}") for name in ("VAE ", "VQ-VAE, uniform", "VIMCO, 50")]
    assert starts == sorted(starts)


def test_differences_are_turned_to_the_papers_order_and_other_bounds_are_left_out():
    rows = cells(markdown_bits(bits_facts()))
    assert rows["VIMCO, 50 samples - VQ-VAE, uniform prior"] == ["+0.625", "0.062", "19 of 20"]
    assert rows["VIMCO, 50 samples - VAE"] == ["+1.250", "0.062", "20 of 20"]
    assert not any(" - " in name and "1 sample" in name for name in rows)


def test_what_was_varied_has_bits_under_both_priors_as_far_as_they_were_scored():
    facts = bits_facts()
    rows = cells(markdown_bits(facts))
    assert rows["0.1"] == ["1,536", "5.250", "0.125", "21.0", "30.2", "60"]
    learnt = cells(markdown_bits(facts | {"grid": facts["grid"][:1]}))["4x64"]
    assert learnt == ["1,536", "5.250", "0.125", "5.000", "0.125", "21.0", "30.2", "60"]
    nothing = markdown_bits(facts | {"grid": [], "betas": []})
    assert "commitment" not in nothing
    assert "x K" not in nothing


def test_sentences_say_order_histogram_codes_and_next_nearest_codes():
    text = format_bits(bits_facts())
    assert (
        "Order by mean: VAE < VQ-VAE, learnt prior < VQ-VAE, uniform prior < VIMCO, 50 samples."
        in text
    )
    assert "5.500 bits/dim; not below it: VIMCO, 50 samples; VIMCO, 1 sample." in text
    assert "Codes of vqvae: 55 used, perplexity 25.0, PSNR 21.0 dB." in text
    assert "add 0.123 bits a picture (4e-05 bits/dim)" in text
    assert text.endswith("Commit 0123456789, a processor (1 thread), 2 h 5 min.")


@pytest.mark.parametrize("table", [format_bits, markdown_bits])
def test_the_papers_figures_are_claimed_on_cifar10_alone(table):
    own, other = table(bits_facts("cifar10")), table(bits_facts("photos"))
    assert "of the same pictures" in own
    assert "other data" not in own
    assert "paper, CIFAR-10 (other data)" in other
    assert "not to be compared" in other
    assert "of the same pictures" not in other


def test_one_source_has_no_column_of_errors():
    facts = bits_facts()
    for entry in facts["systems"].values():
        entry["standard_error"] = None
    assert "± s.e." not in markdown_bits(facts).split("**Paired")[0]


def test_sizes_of_both_stages_are_those_of_the_file():
    first = cells(markdown_first_stage(first_stage_facts()))
    assert first["times smaller than the pixels"] == ["42.67"]
    assert first["bits a code, told another class"] == ["6.750"]
    text = markdown_second_stage(second_stage_facts())
    second = cells(text)
    assert second["bits of the latents"] == ["27", "", ""]
    assert second["times smaller than the pixels"] == ["6,272", "", ""]
    assert second["bits a frame that the latents save"] == ["18.5", "16.0", "21.0"]
    assert "exclude 0" in text
    assert "learnt too little" not in text


def test_a_first_stage_without_a_prior_has_no_rows_of_one():
    text = markdown_first_stage(first_stage_facts() | {"prior": None})
    assert "bits a code" not in text
    assert "an accelerator" in text


@pytest.mark.parametrize(
    ("key", "entry", "sentence"),
    [
        ("saved", {"bits": 30.0, "low": 28.0, "high": 32.0}, "More is saved than 27 bits can say"),
        ("saved", {"bits": 1.0, "low": -1.0, "high": 3.0}, "saved reaches 0"),
        (
            "lost_by_shuffling",
            {"bits": 0.0, "low": -0.01, "high": 0.01},
            "Another frame's latents are not shown to do worse",
        ),
        ("saved", {"bits": 5.0, "low": None, "high": None}, "no interval"),
    ],
)
def test_savings_that_show_little_are_called_so(key, entry, sentence):
    facts = second_stage_facts()
    facts[key] |= entry
    text = markdown_second_stage(facts)
    assert sentence in text
    assert "-0.0" not in text
    assert "exclude 0" not in text or facts["saved"]["bits"] > facts["bits"]


def written(folder, facts, name="file.json"):
    path = folder / name
    path.write_text(json.dumps(facts), encoding="utf-8")
    return path


def test_the_command_prints_files_in_the_order_given(tmp_path, capsys):
    second = written(tmp_path, second_stage_facts(), "second.json")
    bits = written(tmp_path, bits_facts(), "bits.json")
    status = run_for_status(lambda: app([str(second), str(bits)]))
    assert status == 0
    assert capsys.readouterr().out == f"{FILES.markdown_of(second)}\n{FILES.markdown_of(bits)}"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("{", "no valid JSON"),
        ("[]", "no results (no kind)"),
        ('{"kind": "phonemes"}', "of kind phonemes"),
        ('{"kind": ["phonemes"]}', "no results (no kind)"),
        ('{"kind": "bits-per-dim"}', "not as bits-per-dim are written (no 'runs')"),
        ('{"kind": "first-stage-scores", "codes": 3}', "not as first-stage-scores are written"),
    ],
)
def test_a_file_of_no_known_kind_is_one_line_and_status_3(tmp_path, capsys, content, told):
    path = tmp_path / "file.json"
    path.write_text(content, encoding="utf-8")
    status = run_for_status(lambda: app([str(path)]))
    captured = capsys.readouterr()
    assert (status, captured.out) == (3, "")
    assert captured.err.count("\n") == 1
    assert f"{path}: {told}" in captured.err


def test_a_file_of_another_kind_than_wanted_is_refused(tmp_path):
    path = written(tmp_path, second_stage_facts())
    with pytest.raises(InputError, match="of kind second-stage-scores"):
        FILES.read(path, "first-stage-scores")


@pytest.mark.parametrize("make", [bits_facts, first_stage_facts, second_stage_facts])
def test_a_file_that_lacks_any_part_it_shows_is_an_input_error(tmp_path, make):
    unused = {"kind", "format", "seconds"}
    for key in make().keys() - unused:
        facts = copy.deepcopy(make())
        del facts[key]
        with pytest.raises(InputError, match=r"run recipes\.images\.\w+ again"):
            FILES.read(written(tmp_path, facts))
