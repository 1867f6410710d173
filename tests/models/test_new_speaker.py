"""One row more in the speaker table: what it changes, what it does not, and what fits it."""

import pytest
import torch

from vqspeech.audio.mulaw import mulaw_encode
from vqspeech.models.new_speaker import (
    SpokenCodes,
    add_speaker,
    enrolment_terms,
    known_terms,
    nearest_speaker,
)


@pytest.fixture
def batch():
    """Two stretches of 10 frames, the second one shorter."""
    generator = torch.Generator().manual_seed(0)
    waveform = 0.1 * torch.randn(2, 160, generator=generator)
    waveform[1, 120:] = 0
    codes = torch.randint(0, 16, (2, 10), generator=generator)
    return SpokenCodes(waveform, codes, torch.tensor([160, 120]))


def test_the_others_are_told_and_answered_bit_for_bit_as_before(make_model, batch):
    model = make_model(("a", "b", "c"))
    levels = mulaw_encode(batch.waveform)

    def answers():
        with torch.no_grad():
            latents = model.latents(batch.codes)
            for row in range(3):
                told = model.decoder.conditions(latents, torch.tensor([row, row]))
                yield [*told, model.decoder.wavenet(levels, *told)]

    before = list(answers())
    table = add_speaker(model, "d", like=1)
    with torch.no_grad():
        table[3] += 1
    for old, new in zip(before, answers(), strict=True):
        assert all(map(torch.equal, old, new))
    assert model.speakers == ("a", "b", "c", "d")


def test_a_new_speaker_begins_as_the_one_it_is_like(make_model, batch):
    model = make_model(("a", "b"))
    add_speaker(model, "c", like=1)
    with torch.no_grad():
        as_b, as_c = (enrolment_terms(model, batch, row, ("nll",))["nll"] for row in (1, 2))
    assert torch.equal(as_b, as_c)


@pytest.mark.parametrize("name", ["nll", "guide"])
def test_each_term_moves_the_new_row_and_nothing_else(make_model, batch, name):
    model = make_model(("a", "b"), guide_mels=20)
    table = add_speaker(model, "c", like=0)
    enrolment_terms(model, batch, 2, (name,))[name].backward()
    assert table.grad[:2].abs().max() == 0
    assert (table.grad[2] != 0).all()
    moved = [key for key, value in model.named_parameters() if value.grad is not None]
    assert moved == ["decoder.speaker.weight"]


def test_the_likelihood_counts_the_samples_before_the_padding_alone(make_model, batch):
    model = make_model(("a", "b"))
    with torch.no_grad():
        found = enrolment_terms(model, batch, 1, ("nll",))["nll"]
        nats = 0.0
        for row, length in enumerate(batch.lengths.tolist()):
            latents, levels = (
                model.latents(batch.codes[row : row + 1]),
                mulaw_encode(batch.waveform),
            )
            logits = model.decoder.wavenet(
                levels[row : row + 1], *model.decoder.conditions(latents, torch.tensor([1]))
            )
            chances = logits[0].log_softmax(0)  # (K, T)
            for t in range(length):
                nats -= float(chances[levels[row, t], t])
    assert float(found) == pytest.approx(nats / 280, rel=1e-5)


def test_a_model_without_a_guide_has_the_likelihood_alone(make_model):
    assert known_terms(make_model()) == ("nll",)
    assert known_terms(make_model(guide_mels=20)) == ("guide", "nll")


@pytest.mark.parametrize("name", ["nll", "guide"])
def test_the_nearest_speaker_is_the_one_who_says_it_best(make_model, batch, name):
    model = make_model(("a", "b", "c"), guide_mels=20)
    with torch.no_grad():
        model.decoder.speaker.weight.mul_(5)
        values = [float(enrolment_terms(model, batch, row, (name,))[name]) for row in range(3)]
    assert len(set(values)) == 3
    assert nearest_speaker(model, batch, name) == values.index(min(values))
