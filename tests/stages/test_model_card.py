"""The front matter of a card: the author's words and the model's numbers, as the Hub reads them."""

import pytest
import torch
import yaml
from small_priors import save_model

import vqspeech
from vqspeech.errors import InputError
from vqspeech.stages.export_model import export_model
from vqspeech.stages.model_card import front_matter, split_card, unsaid

ABOUT = """---
license: cc-by-4.0
language: en
datasets: [hums/of-two]
tags: [hum]
---

# Hums

From two throats.
"""
SCORES = {
    "test": {"data": "test", "wer": 0.12345, "cer": 0.05, "nearer_target": 1, "seconds": 9.0},
    "people": {"data": "people", "similarity_target": 0.75},
    "heard by nobody": {"data": "heard by nobody", "utterances": 3},
}


def test_a_card_is_split_at_its_front_matter_and_nowhere_else():
    own, body = split_card(ABOUT)
    assert own["license"] == "cc-by-4.0"
    assert body == "# Hums\n\nFrom two throats.\n"
    for plain in (
        "# Hums\n\n---\n\nlicense: mit\n---\n",
        "--- a dash\n",
        "",
        "---\nnever closed\n",
    ):
        assert split_card(plain) == ({}, plain)
    assert split_card("---\n---\nText") == ({}, "Text")


@pytest.mark.parametrize("content", ["a: [1", "- a list", "a: !!python/object:os.system {}"])
def test_front_matter_that_is_no_yaml_of_names_is_refused(content):
    with pytest.raises(InputError, match=r"about\.md"):
        split_card(f"---\n{content}\n---\ntext", "about.md")


def test_what_the_author_says_goes_before_what_is_said_by_itself():
    own, body = split_card(ABOUT)
    text = front_matter(own, body, SCORES)
    assert text.startswith("---\nlicense: cc-by-4.0\nlanguage: en\n")
    found = yaml.safe_load(text.split("---\n")[1])
    assert found["tags"] == ["hum"]
    assert found["library_name"] == "vqspeech"
    assert found["metrics"] == ["wer", "cer"]
    (model,) = found["model-index"]
    assert model["name"] == "Hums"
    assert [result["dataset"]["name"] for result in model["results"]] == ["test", "people"]
    metrics = {m["type"]: m["value"] for m in model["results"][0]["metrics"]}
    assert metrics == {"wer": 0.1235, "cer": 0.05, "nearer_target": 1.0}
    assert unsaid(own) == []
    assert unsaid({"language": "en"}) == ["license", "datasets"]


def test_without_scores_no_metric_is_claimed():
    found = yaml.safe_load(front_matter({}, "text", {}).split("---\n")[1])
    assert found.keys() == {"library_name", "pipeline_tag", "tags"}


def test_the_hub_reads_the_card_and_its_scores(make_model, tmp_path):
    hub = pytest.importorskip("huggingface_hub")
    (tmp_path / "about.md").write_text(ABOUT)
    scores = tmp_path / "scores.json"
    scores.write_text('{"data": "test", "wer": 0.25, "similarity_target": 0.5}')
    path = save_model(tmp_path / "run", make_model())
    folder = export_model(path, tmp_path / "out", about=tmp_path / "about.md", scores=[scores])
    assert {p.name for p in folder.iterdir()} >= {"config.json", "model.safetensors", "README.md"}
    card = hub.ModelCard.load(folder / "README.md")
    assert (card.data.license, card.data.library_name) == ("cc-by-4.0", "vqspeech")
    assert card.data.datasets == ["hums/of-two"]
    found = {result.metric_type: result.metric_value for result in card.data.eval_results}
    assert found == {"wer": 0.25, "similarity_target": 0.5}
    assert card.text.lstrip().startswith("# Hums")
    assert "## Scores" in card.text


def test_the_code_of_the_card_runs(make_model, tmp_path):
    folder = export_model(save_model(tmp_path / "run", make_model()), tmp_path / "out")
    code = (folder / "README.md").read_text().split("```python\n")[1].split("```")[0]
    names = {"waveform": torch.zeros(100).numpy()}
    exec(code.replace("FOLDER", str(folder)), names)
    assert names["speech"].shape == (100,)
    assert names["voice"].sample_rate == vqspeech.load(folder).sample_rate
    assert f"at {names['voice'].sample_rate} Hz" in code


def test_what_the_card_does_not_name_is_told_once(make_model, tmp_path):
    path, told = save_model(tmp_path / "run", make_model()), []
    export_model(path, tmp_path / "bare", note=told.append)
    assert len(told) == 1
    assert "license, language, datasets" in told[0]
    (tmp_path / "about.md").write_text(ABOUT)
    named = export_model(path, tmp_path / "out", about=tmp_path / "about.md", note=told.append)
    again = export_model(named, tmp_path / "again", note=told.append)
    assert len(told) == 1
    assert (again / "README.md").read_text() == (named / "README.md").read_text()
