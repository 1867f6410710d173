"""The prior over codes: probabilities of everything sum to 1, nothing is told of what follows."""

import itertools
import math

import pytest
import torch

from vqspeech.checkpoint import save_folder
from vqspeech.config.schema import SpeechPriorSettings
from vqspeech.errors import InputError
from vqspeech.models.build import load_speech_prior, prior_config
from vqspeech.models.prior import CodeFormat, SpeechPrior

SIZES = dict(
    layers=4,
    dilation_cycle=2,
    residual_channels=8,
    gate_channels=16,
    skip_channels=8,
    head_channels=8,
)


def make_prior(num_codes=5, groups=1, speakers=(), seed=0, **changes):
    torch.manual_seed(seed)
    settings = SpeechPriorSettings(**SIZES | changes)
    prior = SpeechPrior(settings, CodeFormat(num_codes, groups, 160, 8000, "5eed"), speakers)
    with torch.no_grad():  # far from uniform, as if trained
        for parameter in prior.parameters():
            parameter.mul_(2)
    return prior.eval()


def some_codes(prior, batch=2, frames=9):
    groups = prior.code_format.groups
    shape = (batch, frames) if groups == 1 else (batch, frames, groups)
    generator = torch.Generator().manual_seed(1)
    return torch.randint(prior.code_format.num_codes, shape, generator=generator)


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("row", [None, 0, 1, 2])
def test_the_probabilities_of_all_sequences_sum_to_one(groups, row):
    told = {} if row is None else {"speakers": ("a", "b"), "speaker_channels": 3}
    prior = make_prior(num_codes=3, groups=groups, **told)
    frames = 4 // groups
    codes = torch.tensor(list(itertools.product(range(3), repeat=4)))  # (81, 4)
    codes = codes if groups == 1 else codes.view(-1, frames, groups)
    nats, elements = prior.nll(codes, torch.full((len(codes),), row or 0))
    assert elements.tolist() == [4] * 81
    assert nats.double().neg().exp().sum().item() == pytest.approx(1, abs=1e-5)
    assert nats.max() - nats.min() > 1  # some sequences are likelier than others


@pytest.mark.parametrize("groups", [1, 2])
def test_no_code_is_predicted_from_itself_or_a_later_one(groups):
    prior = make_prior(groups=groups)
    codes, speaker = some_codes(prior, batch=1, frames=6), torch.zeros(1, dtype=torch.int64)
    before = prior.logits(codes, speaker)  # (1, K, T)
    for t in range(codes.numel()):
        changed = codes.flatten().clone()
        changed[t] = (changed[t] + 1) % 5
        moved = (prior.logits(changed.view_as(codes), speaker) != before).any(1)[0]  # (T,)
        assert not moved[: t + 1].any()
        assert moved[t + 1 : t + 2].all()  # the next one is predicted from it


def test_groups_are_told_apart():
    prior = make_prior(groups=2)
    # The same code before both: only whose turn it is tells them apart.
    codes = torch.full((1, 20, 2), 3)
    first, second = prior.logits(codes, torch.zeros(1, dtype=torch.int64))[0].T[-2:]
    assert (first - second).abs().max() > 0.1


@pytest.mark.parametrize("groups", [1, 2])
def test_a_padded_batch_has_the_likelihoods_of_each_alone(groups):
    prior = make_prior(groups=groups, speakers=("a", "b"), speaker_channels=3)
    codes, rows, lengths = some_codes(prior, batch=3), torch.tensor([0, 2, 1]), [9, 4, 0]
    nats, elements = prior.nll(codes, rows, torch.tensor(lengths))
    assert elements.tolist() == [length * groups for length in lengths]
    for i, length in enumerate(lengths[:2]):
        alone = prior.nll(codes[i : i + 1, :length], rows[i : i + 1])
        torch.testing.assert_close(nats[i : i + 1], alone.nats)
    assert nats[2] == 0


@pytest.mark.parametrize("groups", [1, 2])
def test_stepping_gives_the_logits_of_the_whole(groups):
    prior = make_prior(groups=groups, speakers=("a",), speaker_channels=3)
    codes, rows = some_codes(prior), torch.tensor([0, prior.nobody])
    whole = prior.logits(codes, rows)
    tokens = codes.flatten(1)
    frames = prior.wavenet.condition(*prior.conditions(rows, codes.shape[1]))  # (B, 1 or T, N, G)
    frames = frames.expand(-1, tokens.shape[1], -1, -1)
    state, logits = prior.wavenet.start(2), []
    for t in range(tokens.shape[1]):
        step, state = prior.wavenet.step(tokens[:, t - 1] if t else None, state, frames[:, t])
        logits.append(step)
    torch.testing.assert_close(torch.stack(logits, dim=2), whole, rtol=1e-4, atol=1e-5)


def test_each_speaker_and_nobody_have_a_row_of_their_own():
    prior = make_prior(speakers=("a", "b"), speaker_channels=3)
    assert [prior.speaker_row(name) for name in ("a", "b", "c", None)] == [0, 1, 2, 2]
    codes = some_codes(prior, batch=1).expand(3, -1)
    nats = prior.nll(codes, torch.arange(3)).nats
    assert len(set(nats.tolist())) == 3


def test_without_a_table_nobody_is_told_apart():
    prior = make_prior(speakers=("a", "b"))
    assert (prior.speakers, prior.nobody) == ((), 0)
    codes = some_codes(prior, batch=1).expand(2, -1)
    first, second = prior.nll(codes, torch.tensor([0, 7])).nats
    assert first == second


def test_what_is_heard_may_differ_from_what_is_predicted():
    prior = make_prior()
    codes, speaker = some_codes(prior), torch.zeros(2, dtype=torch.int64)
    heard = some_codes(prior).flip(1)
    logits = prior.logits(heard, speaker)
    expected = -logits.log_softmax(1).gather(1, codes[:, None])[:, 0]
    torch.testing.assert_close(prior.nats(codes, speaker, heard), expected)


def test_dropout_is_of_training_alone():
    prior = make_prior(dropout=0.5)
    codes, speaker = some_codes(prior), torch.zeros(2, dtype=torch.int64)
    first, again = (prior.nats(codes, speaker) for _ in range(2))
    assert torch.equal(first, again)
    prior.train()
    first, again = (prior.nats(codes, speaker) for _ in range(2))
    assert not torch.equal(first, again)


def test_the_receptive_field_of_the_papers_sizes_is_2047_codes():
    prior = make_prior(layers=20, dilation_cycle=10)
    assert prior.wavenet.receptive_field == 1 + 2 * 1023


@pytest.mark.parametrize("groups", [1, 2])
def test_a_cycle_is_learnt(groups):
    torch.manual_seed(0)
    prior = make_prior(
        num_codes=6, groups=groups, dilation_cycle=4, residual_channels=16, gate_channels=32
    )
    order = torch.tensor([4, 0, 0, 3, 1, 5, 2, 2, 2, 1])  # what follows a 0, 1 or 2 depends
    starts = torch.arange(10)[:, None]
    codes = order[(starts + torch.arange(40)) % 10]  # (10, 40)
    codes = codes if groups == 1 else codes.view(10, 20, 2)
    speaker = torch.zeros(10, dtype=torch.int64)
    optimizer = torch.optim.Adam(prior.train().parameters(), lr=0.01)
    for _ in range(120):
        optimizer.zero_grad()
        prior.nll(codes, speaker).nats_per_element.backward()
        optimizer.step()
    # Nothing tells where a sequence begins; from the fifth code on all is known.
    nats = prior.eval().nats(codes, speaker)[:, 5:]
    assert nats.mean() < 0.05
    # What cannot be known is not: ten beginnings, of which 0 and 1 begin 2 and 2 begins 3.
    chances = torch.bincount(order, minlength=6) / 10
    entropy = -(chances * chances.log()).sum().item()
    assert prior.nats(codes, speaker)[:, 0].mean().item() == pytest.approx(entropy, abs=0.1)
    assert entropy == pytest.approx(math.log(10) - (4 * math.log(2) + 3 * math.log(3)) / 10)


def save(prior, path, **change):
    files = {"config.json": prior_config(prior) | change, "model.safetensors": prior.state_dict()}
    save_folder(path, files)


def test_a_saved_prior_gives_the_same_likelihood(tmp_path):
    prior = make_prior(groups=2, speakers=("a", "b"), speaker_channels=3)
    save(prior, tmp_path / "prior")
    loaded = load_speech_prior(tmp_path / "prior")
    assert loaded.code_format == prior.code_format == CodeFormat(5, 2, 160, 8000, "5eed")
    assert (loaded.speakers, loaded.training) == (("a", "b"), False)
    codes, rows = some_codes(prior), torch.tensor([1, 2])
    assert torch.equal(loaded.nll(codes, rows).nats, prior.nll(codes, rows).nats)
    assert loaded.code_format.rate == 50


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "speech-vqvae"}, "holds a speech-vqvae, a speech-prior was wanted"),
        ({"format": 99}, "format 99, this version reads 1"),
        ({"codes": {"num_codes": 5}}, "does not say whose codes"),
        ({"codes": [1, 2]}, "does not say whose codes"),
        ({"codes": {**CodeFormat(0, 1, 160, 8000, "5eed")._asdict()}}, "does not say whose codes"),
        ({"codes": {**CodeFormat(6, 1, 160, 8000, "5eed")._asdict()}}, r"is \(5, 8\).*want \(6, 8"),
        ({"speakers": None}, "does not say whose codes"),
        ({"model": {"layer": 3}}, "layer is no setting; did you mean layers"),
    ],
)
def test_a_folder_that_does_not_fit_is_refused_in_one_line(tmp_path, change, message):
    save(make_prior(), tmp_path / "prior", **change)
    with pytest.raises(InputError, match=message) as raised:
        load_speech_prior(tmp_path / "prior")
    assert "\n" not in str(raised.value)
