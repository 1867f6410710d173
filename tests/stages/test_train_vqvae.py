"""Training the speech model: exact resume with everything that has state, and what is scored."""

import json
import os
import signal

import pytest
import torch
import yaml

from vqspeech.audio.mulaw import mulaw_encode
from vqspeech.checkpoint import checkpoints, load_tensors
from vqspeech.data.crops import Batch, validation_windows
from vqspeech.data.data_dir import DataDir
from vqspeech.errors import InputError
from vqspeech.models.speech import SpeechVQVAE
from vqspeech.models.vqvae import VQVAE
from vqspeech.stages.score_vqvae import score_speech_vqvae
from vqspeech.stages.train_vqvae import train_vqvae
from vqspeech.training.fit import Interrupted

MODEL = {
    "encoder": {"kind": "waveform", "strides": [4, 4], "channels": 8, "residual_blocks": 1},
    "decoder": {"layers": 2, "residual_channels": 4, "gate_channels": 8, "skip_channels": 4},
    "jitter": 0.3,
}
TRAINING = {
    "batch_size": 3,
    "crop_seconds": 0.05,
    "learning_rate": 0.01,
    "warmup_steps": 1,
    "log_every": 2,
    "checkpoint_every": 4,
    "threads": 1,
}


@pytest.fixture
def train(tiny_data, tmp_path):
    directories = tiny_data("train"), tiny_data("valid")

    def train(out, *overrides, quantizer=None, **options):
        quantizer = {"num_codes": 8, "dim": 4, "decay": 0.5, "restart_below": 0.5} | (
            quantizer or {}
        )
        config = tmp_path / "conf.yaml"
        settings = {"model": MODEL | {"quantizer": quantizer}, "training": TRAINING}
        config.write_text(yaml.safe_dump(settings))
        return train_vqvae(
            config,
            [directories[0]],
            directories[1],
            tmp_path / out,
            overrides=overrides,
            quiet=True,
            **options,
        )

    return train


def content(run):
    newest = checkpoints(run)[-1]
    names = ("model", "average", "optimizer")
    return [(newest / f"{name}.safetensors").read_bytes() for name in names]


def interrupted_at(step):
    """`VQVAE.update_codebook`, which sends this process a signal at its call number `step`."""
    calls, update = [], VQVAE.update_codebook

    def counted(*arguments):
        calls.append(1)
        if len(calls) == step:
            os.kill(os.getpid(), signal.SIGINT)
        return update(*arguments)

    return counted


@pytest.mark.parametrize("kind", ["ema", "gradient"])
def test_a_run_in_pieces_equals_one_in_one_piece(train, tmp_path, kind):
    quantizer = {"codebook_update": kind}
    train("whole", "training.steps=9", quantizer=quantizer)
    with pytest.MonkeyPatch.context() as patch:
        # A signal ends the first piece: the rate follows a cosine over the steps of the settings.
        patch.setattr(VQVAE, "update_codebook", interrupted_at(5))
        with pytest.raises(Interrupted):
            train("pieces", "training.steps=9", quantizer=quantizer)
    train("pieces", "training.steps=9", quantizer=quantizer, resume="must")
    assert content(tmp_path / "pieces") == content(tmp_path / "whole")
    logs = [(tmp_path / name / "log.jsonl").read_text() for name in ("pieces", "whole")]
    assert logs[0] == logs[1]


def test_a_finished_run_keeps_its_origin_and_is_not_taken_for_one_of_other_settings(
    train, tmp_path
):
    train("run", "training.steps=4")
    paths = [tmp_path / "run" / name for name in ("config.yaml", "environment.json")]
    before = [path.read_text() for path in paths]
    train("run", "training.steps=4", "training.log_every=1")
    assert [path.read_text() for path in paths] == before
    with pytest.raises(InputError, match=r"4 steps, by training.learning_rate 0.01 and not 0.02"):
        train("run", "training.steps=4", "training.learning_rate=0.02")
    assert [path.read_text() for path in paths] == before
    # With more steps there is something left to do by it.
    train("run", "training.steps=6", "training.learning_rate=0.02")
    assert "learning_rate: 0.02" in paths[0].read_text()
    assert checkpoints(tmp_path / "run")[-1].name == "step-00000006"


def test_the_seed_decides_the_run(train, tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        train(name, "training.steps=4", f"training.seed={seed}")
    assert content(tmp_path / "a") == content(tmp_path / "b")
    assert content(tmp_path / "a")[0] != content(tmp_path / "c")[0]


def test_an_ema_codebook_moves_and_dead_codes_are_restarted(train, tmp_path):
    train("run", "training.steps=8", "training.keep_checkpoints=2")
    first, last = (load_tensors(p / "model.safetensors") for p in checkpoints(tmp_path / "run"))
    assert not torch.equal(first["quantizer.codebook"], last["quantizer.codebook"])
    assert last["quantizer.counts"].min() > 0


def test_a_validation_speaker_who_is_not_trained_on_is_named_before_the_first_step(train, tmp_path):
    table = tmp_path / "valid" / "utt2spk"
    text = table.read_text().replace("p907", "p999")
    table.write_text(text)
    for name in ("wav.scp", "spk2utt", "spk2gender", "utt2dur", "text"):
        path = tmp_path / "valid" / name
        if path.exists():
            path.write_text(path.read_text().replace("p907_valid", "p999_valid"))
    (tmp_path / "valid" / "spk2gender").write_text("p901 f\np999 m\n")
    utterances = sorted(line.split()[0] for line in text.splitlines() if "p999" in line)
    speakers = (tmp_path / "valid" / "spk2utt").read_text().splitlines()[0]
    (tmp_path / "valid" / "spk2utt").write_text(f"{speakers}\np999 {' '.join(utterances)}\n")
    with pytest.raises(InputError, match="p999"):
        train("run", "training.steps=4")
    assert not checkpoints(tmp_path / "run")


def test_scores_are_those_of_the_windows_worked_one_by_one(make_model, tiny_data):
    model = make_model(("p901", "p907"))
    data = DataDir.read(tiny_data("valid"))
    windows = list(validation_windows(data, 800, 4, model.speakers))
    found = score_speech_vqvae(model, windows)

    nats, samples, codes = 0.0, 0, []
    for batch in windows:
        for row in range(len(batch.speaker)):
            length = int(batch.length[row])
            one = model.score(
                batch.waveform[row : row + 1],
                batch.speaker[row : row + 1],
                torch.tensor([length]),
            )
            nats += one.likelihood.nats.item()
            samples += length
            codes += one.quantized.codes[0, : -(-length // model.hop)].tolist()
    assert samples == sum(4000 + 160 * u for u in range(3)) * 2
    assert found["nll"] == pytest.approx(nats / samples, rel=1e-5)
    share = torch.bincount(torch.tensor(codes)).double() / len(codes)
    entropy = -(share[share > 0] * share[share > 0].log()).sum()
    assert found["perplexity"] == pytest.approx(entropy.exp().item(), rel=1e-5)
    assert found["codes_used"] == len(set(codes))
    every_other = score_speech_vqvae(model, windows, likelihood_every=2)
    assert every_other["codes_used"] == found["codes_used"]
    assert every_other["nll"] != found["nll"]


def test_the_swap_gap_is_zero_exactly_when_the_decoder_ignores_its_codes(make_model):
    model = make_model(("p901", "p907"))
    generator = torch.Generator().manual_seed(0)
    waveform = torch.randn(2, 160, generator=generator) * 0.2
    batch = Batch(waveform, torch.tensor([0, 1]), torch.tensor([160, 160]), ("a", "b"))
    assert score_speech_vqvae(model, [batch])["swap_gap"] != 0
    same = Batch(*batch[:3], ("a", "a"))
    assert "swap_gap" not in score_speech_vqvae(model, [same])  # nothing to compare with
    with torch.no_grad():
        model.decoder.wavenet.local_condition.weight.zero_()
    assert score_speech_vqvae(model, [batch])["swap_gap"] == pytest.approx(0, abs=1e-6)


def test_the_checkpoint_names_its_speakers_and_their_genders(train, tmp_path):
    train("run", "training.steps=4")
    config = json.loads((tmp_path / "run" / "best" / "config.json").read_text())
    assert config["speakers"] == ["p901", "p907"]
    assert config["speaker_information"]["p907"] == {"gender": "m", "accent": None}


def test_padding_does_not_train_the_codebook(make_model):
    model = make_model(("p901", "p907"))
    waveform = torch.zeros(1, 160)
    waveform[0, :50] = torch.randn(50, generator=torch.Generator().manual_seed(0)) * 0.2
    length = torch.tensor([50])
    output = model.score(waveform, torch.tensor([0]), length)
    model.update_codebook(output, model.real_frames(length, 10))
    assert model.quantizer.counts.sum() == pytest.approx(4)  # ceil(50 / 16) frames


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["model.encoder.kind=log_mel", "model.encoder.mel_hop=600"], "model: "),
        (["training.batch_size=1"], None),
    ],
)
def test_settings_that_do_not_fit_each_other_are_refused_and_small_ones_work(
    train, tmp_path, overrides, message
):
    if message is None:
        train("run", "training.steps=4", *overrides)
        lines = (tmp_path / "run" / "log.jsonl").read_text().splitlines()
        assert json.loads(lines[-1])["valid"]["swap_gap"] != 0
        return
    with pytest.raises(InputError, match=message):
        train("run", *overrides)


def test_utterances_to_validate_on_are_not_trained_on(tiny_data, tmp_path):
    (tmp_path / "conf.yaml").write_text("{}")
    tiny_data("valid")
    with pytest.raises(InputError, match="6 of its utterances are trained on too"):
        train_vqvae(
            tmp_path / "conf.yaml", [tmp_path / "valid"], tmp_path / "valid", tmp_path / "r"
        )


def test_a_refused_run_keeps_its_settings_and_a_mistyped_one_leaves_no_folder(train, tmp_path):
    train("run", "training.steps=4")
    before = (tmp_path / "run" / "config.yaml").read_text()
    with pytest.raises(InputError, match="its model differs"):
        train("run", "training.steps=4", quantizer={"num_codes": 4})
    assert (tmp_path / "run" / "config.yaml").read_text() == before
    with pytest.raises(InputError, match="no checkpoint to resume from"):
        train("rnu", "training.steps=4", resume="must")
    assert not (tmp_path / "rnu").exists()


def test_with_a_guide_the_codes_learn_first_and_the_likelihood_joins(train, tmp_path):
    settings = ("model.guide_mels=20", "training.guide_steps=4", "training.augment=0.5")
    train("run", "training.steps=8", "training.log_every=2", *settings)
    lines = (tmp_path / "run" / "log.jsonl").read_text().splitlines()
    rows = list(map(json.loads, lines))
    rows = {row["step"]: row for row in rows if "valid" not in row}
    assert all("guide" in row for row in rows.values())
    assert [step for step, row in rows.items() if "nll" in row] == [6, 8]
    first, last = (load_tensors(p / "model.safetensors") for p in checkpoints(tmp_path / "run"))
    assert not torch.equal(first["guide.predict.weight"], last["guide.predict.weight"])
    # The first four steps leave the WaveNet as it was drawn.
    names = ("one", "other")
    for name, seed in zip(names, ("1e-2", "1e-3"), strict=True):
        train(name, "training.steps=5", f"training.learning_rate={seed}", *settings)
    a, b = (load_tensors(checkpoints(tmp_path / n)[0] / "model.safetensors") for n in names)
    assert torch.equal(a["decoder.wavenet.taps"], b["decoder.wavenet.taps"])
    assert not torch.equal(a["decoder.local.latents.weight"], b["decoder.local.latents.weight"])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["training.guide_steps=4"], r"conf\.yaml: training\.guide_steps without"),
        (["model.guide_mels=9", "training.guide_steps=4", "training.steps=4"], "leaves none for"),
        (["model.guide_mels=9", "training.guide_steps=1", "training.guide_weight=0"], "nothing"),
        (["training.optimizer=muon", "training.weight_decay=0.1"], "decays no weights"),
        (["training.freeze=true"], "freeze without training.guide_steps"),
        (["training.revoice=0.5"], "revoice without model.decoder.acoustic_bands"),
        (["model.decoder.lag_taps=2"], "lag_taps without acoustic_bands"),
        (["training.likelihood_seconds=2"], "longer than"),
    ],
)
def test_settings_that_would_have_no_effect_are_refused(train, settings, message):
    with pytest.raises(InputError, match=message):
        train("run", *settings)


ACOUSTICS = ("model.decoder.acoustic_bands=12", "model.decoder.lag_taps=2")
FROZEN = (
    *(*ACOUSTICS, "training.guide_steps=4", "training.freeze=true", "training.revoice=0.5"),
    *("training.warp=0.1", "training.likelihood_crops=2", "training.likelihood_seconds=0.02"),
)


def test_frozen_codes_and_conditions_stay_while_the_wavenet_learns(train, tmp_path):
    train("run", "training.steps=8", *FROZEN)
    first, last = (load_tensors(p / "model.safetensors") for p in checkpoints(tmp_path / "run"))
    changed = {name for name in first if not torch.equal(first[name], last[name])}
    assert any(name.startswith("decoder.wavenet.") for name in changed)
    # What is frozen is the running average, so what is shared of it changes no more either.
    averages = [load_tensors(p / "average.safetensors") for p in checkpoints(tmp_path / "run")]
    for name, value in averages[0].items():
        if not name.startswith("decoder.wavenet."):
            assert torch.equal(value, averages[1][name])
            assert torch.equal(value, last[name])
    rows = map(json.loads, (tmp_path / "run" / "log.jsonl").read_text().splitlines())
    rows = {row["step"]: row for row in rows if "valid" not in row}
    assert {"guide", "envelope", "pitch", "voicing"} <= rows[4].keys()
    assert {"nll"} <= rows[8].keys()
    assert "guide" not in rows[8]
    # The rate begins anew, so that the WaveNet is not left with the end of the codes' schedule.
    assert rows[6]["learning_rate"] > rows[4]["learning_rate"]


def test_a_run_stopped_in_its_second_phase_goes_on_bit_for_bit(train, tmp_path, monkeypatch):
    train("whole", "training.steps=8", *FROZEN)
    stop = 6
    calls, score = [], SpeechVQVAE.score

    def counted(*arguments, **options):
        calls.append(1)
        if len(calls) == stop - 4:  # the likelihood begins after four steps
            os.kill(os.getpid(), signal.SIGTERM)
        return score(*arguments, **options)

    with monkeypatch.context() as patch, pytest.raises(Interrupted):
        patch.setattr(SpeechVQVAE, "score", counted)
        train("parts", "training.steps=8", *FROZEN)
    train("parts", "training.steps=8", *FROZEN)
    assert content(tmp_path / "parts") == content(tmp_path / "whole")


def test_the_likelihood_of_a_stretch_is_that_of_the_whole_there(make_model):
    model = make_model(decoder=make_model().settings.decoder.model_dump() | {"layers": 1})
    waveform = 0.2 * torch.randn(3, 160, generator=torch.Generator().manual_seed(0))
    speaker, length = torch.tensor([0, 1, 0]), torch.tensor([160, 70, 160])
    part = model.score(waveform, speaker, length, stretch=(2, 3, 7))
    whole = model.score(waveform, speaker, length)
    assert part.likelihood.elements.tolist() == [64, 22]  # 70 - 48 of the second
    assert torch.equal(part.quantized.codes, whole.quantized.codes)
    # One layer of dilation 1 sees two samples: only the first of the stretch are told otherwise.
    latents = whole.quantized.latents.movedim(-1, 1)
    local, row = model.decoder.conditions(latents[:2], speaker[:2])
    levels = mulaw_encode(waveform[:2, 48:112])
    counted = torch.tensor([64, 22])
    expected = model.decoder.nll_given(levels, local[:, :, 3:7], row, counted)
    torch.testing.assert_close(part.likelihood.nats, expected.nats)
