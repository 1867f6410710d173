"""Compressed codes: as many bits as the likelihood says, and back without loss or not at all."""

import math
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from vqspeech.audio.waveform import read_waveform, write_waveform
from vqspeech.checkpoint import hash_folder, save_folder
from vqspeech.cli import app
from vqspeech.config.schema import SpeechPriorSettings
from vqspeech.data.code_file import load_codes
from vqspeech.data.compressed_codes import HEADER_BYTES, load_compressed, save_compressed
from vqspeech.errors import InputError, MissingError, UsageError
from vqspeech.generation.code_sampling import sample_codes
from vqspeech.generation.voice import Voice
from vqspeech.models.build import load_speech_prior, model_config, prior_config
from vqspeech.models.code_hash import hash_codes
from vqspeech.models.prior import CodeFormat, SpeechPrior
from vqspeech.stages import compress
from vqspeech.stages.compress import compress_codes, compress_files, decompress_codes, expand_file
from vqspeech.stages.encode import encode_files
from vqspeech.stages.export_prior import export_prior

pytest.importorskip("constriction")
MODEL = "00112233aabbccdd"


def make_prior(groups=1, num_codes=16, model_hash=MODEL, seed=0):
    torch.manual_seed(seed)
    sizes = dict(layers=3, residual_channels=8, gate_channels=16, skip_channels=8, head_channels=8)
    settings = SpeechPriorSettings(**sizes, speaker_channels=4)
    code_format = CodeFormat(num_codes, groups, 16, 16000, model_hash)
    prior = SpeechPrior(settings, code_format, ("p901", "p907")).eval()
    with torch.no_grad():
        prior.wavenet.logits.weight.mul_(10)
    return prior


def likelihood_bits(prior, codes, speaker):
    with torch.inference_mode():
        nats = prior.nats(torch.from_numpy(codes)[None], torch.tensor([speaker]))
    return nats.double().sum().item() / math.log(2)


@pytest.mark.parametrize("groups", [1, 2])
def test_a_file_has_the_bytes_that_the_likelihood_says_and_not_one_more(groups):
    prior = make_prior(groups)
    drawn = sample_codes(prior, 2000 // groups, [1], seed=1)[0]
    random = np.random.default_rng(0).integers(0, 16, drawn.shape)
    for codes in (drawn, random):
        wanted = likelihood_bits(prior, codes, 1)
        coded, bits = compress_codes(prior, codes, 1)
        assert bits == pytest.approx(wanted, rel=1e-5)
        # A range coder with 24 bits a probability loses next to nothing; the last byte is rounded.
        assert -1 < len(coded) - wanted / 8 <= 1 + 1e-4 * wanted / 8
        np.testing.assert_array_equal(
            decompress_codes(prior, coded, len(codes), 1).reshape(codes.shape), codes
        )
    assert likelihood_bits(prior, drawn, 1) < 0.95 * likelihood_bits(prior, random, 1)


def test_codes_of_every_length_come_back_from_the_shortened_end():
    prior, rng = make_prior(), np.random.default_rng(1)
    for length in range(60):
        codes = rng.integers(0, 16, length)
        coded, bits = compress_codes(prior, codes, 2)
        assert len(coded) <= bits / 8 + 1.1
        np.testing.assert_array_equal(decompress_codes(prior, coded, length, 2), codes)


def test_the_shortest_end_decodes_too_where_the_last_interval_reaches_beyond_2_to_the_64():
    coder, rng, beyond = compress.load_coder(), np.random.default_rng(0), 0
    for trial in range(400):
        probabilities = rng.dirichlet(np.full(5, 0.3), trial % 20)
        codes = rng.integers(0, 5, len(probabilities)).tolist()
        models = [coder.model.Categorical(p, perfect=False) for p in probabilities]
        encoder = coder.queue.RangeEncoder()
        for code, model in zip(codes, models, strict=True):
            encoder.encode(code, model)
        _, (low, size) = encoder.pos()
        beyond += low + size > 1 << 64
        coded = compress._fewest_bytes(encoder)
        assert len(coded) <= encoder.num_bits() / 8
        decoder = coder.queue.RangeDecoder(compress._words(coded))
        assert [decoder.decode(model) for model in models] == codes
    assert beyond > 3


def test_behind_a_carry_the_shortest_end_is_nothing():
    # The encoder ended beyond 2^64: it raised the word before from 6 to 7, and 0 is inside.
    encoder = SimpleNamespace(
        get_compressed=lambda: np.array([7, 0], np.uint32), pos=lambda: (1, (2**64 - 5, 2**40))
    )
    assert compress._fewest_bytes(encoder) == b"\0\0\0\7"


def test_a_code_that_the_prior_holds_impossible_costs_much_and_comes_back():
    prior = make_prior()
    with torch.no_grad():
        prior.wavenet.logits.bias[3] = -1e6
    codes = np.array([1, 3, 3, 2, 3])
    coded, bits = compress_codes(prior, codes, 0)
    assert bits > 100
    assert len(coded) < 20  # a range coder gives every code 2^-24 at least
    np.testing.assert_array_equal(decompress_codes(prior, coded, 5, 0), codes)


@pytest.fixture
def pair(make_model, tmp_path):
    """Folders of a model and of a prior of its codes, and a recording."""
    model = make_model()
    weights = {"config.json": model_config(model), "model.safetensors": model.state_dict()}
    save_folder(tmp_path / "model", weights)
    prior = make_prior(model_hash=hash_codes(tmp_path / "model"))
    weights = {"config.json": prior_config(prior), "model.safetensors": prior.state_dict()}
    save_folder(tmp_path / "prior", weights)
    noise = 0.1 * np.random.default_rng(0).normal(size=8007)
    write_waveform(tmp_path / "a.wav", noise.astype(np.float32), 16000)
    return SimpleNamespace(
        voice=Voice(model, name="tiny"),
        prior=prior,
        model_hash=prior.code_format.model_hash,
        options=["--model", str(tmp_path / "model"), "--prior", str(tmp_path / "prior")],
    )


@pytest.fixture
def written(pair, tmp_path):
    source = tmp_path / "a.wav"
    (item,), _ = compress_files(
        pair.voice, pair.prior, [source], tmp_path, speaker="p907", model_hash=pair.model_hash
    )
    return item


def test_what_is_printed_is_what_lies_on_disk(written, tmp_path):
    size = (tmp_path / "a.vqz").stat().st_size
    assert written.coded_bytes + HEADER_BYTES == size
    assert HEADER_BYTES <= 80
    assert abs(written.coded_bytes - written.likelihood_bits / 8) <= 1
    rate = 8 * written.coded_bytes * 16000 / 8007
    assert str(written) == (
        f"wrote {tmp_path / 'a.vqz'}  {size} bytes: {written.coded_bytes} of codes "
        f"({written.likelihood_bits / 8:.1f} by the prior's likelihood), 52 of header  0.5 s  "
        f"{rate:.1f} bits/s"
    )
    assert load_compressed(tmp_path / "a.vqz").speaker == 1


def test_a_number_is_taken_for_the_speaker_of_that_number_and_a_stranger_is_told(pair, tmp_path):
    for speaker, row, told in (("907", 1, 0), ("p907", 1, 0), ("zorro", 2, 1)):
        notes = []
        facts = {"model_hash": pair.model_hash, "overwrite": True, "note": notes.append}
        sources = [tmp_path / "a.wav"]
        compress_files(pair.voice, pair.prior, sources, tmp_path, speaker=speaker, **facts)
        assert load_compressed(tmp_path / "a.vqz").speaker == row
        assert [("unknown to the prior" in text) for text in notes] == [True] * told


def test_another_process_reads_the_codes_back(pair, written, tmp_path):
    script = (
        "import sys; from vqspeech.stages.compress import expand_file; "
        "from vqspeech.models.build import load_speech_prior; "
        "print(*expand_file(sys.argv[1], load_speech_prior(sys.argv[2])).codes)"
    )
    arguments = [written.path, tmp_path / "prior"]
    found = subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)], check=True, capture_output=True
    )
    codes = pair.voice.encode(read_waveform(tmp_path / "a.wav", 16000).samples)
    assert [int(code) for code in found.stdout.split()] == codes.tolist()


def test_what_comes_back_is_all_that_encode_writes_without_compression(pair, written, tmp_path):
    found = expand_file(written.path, pair.prior, "tiny")
    encode_files(pair.voice, [tmp_path / "a.wav"], tmp_path, model_hash=pair.model_hash)
    wanted = load_codes(tmp_path / "a.npz")
    np.testing.assert_array_equal(found.codes, wanted.codes)
    assert found[1:] == wanted[1:]


def test_every_byte_that_is_changed_is_refused_in_one_line(pair, written):
    whole = written.path.read_bytes()
    places = [*range(HEADER_BYTES), *range(HEADER_BYTES, len(whole), 23), len(whole) - 1]
    for i in places:
        written.path.write_bytes(whole[:i] + bytes([whole[i] ^ 0x40]) + whole[i + 1 :])
        with pytest.raises(InputError, match=r"a\.vqz: ") as caught:
            expand_file(written.path, pair.prior)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("model_hash", "0" * 16, "written with the model 0000000000000000, not .*--model"),
        ("prior_hash", "0" * 16, "written with the prior 0000000000000000, not .*--prior"),
        ("versions", ((9, 9, 9),) + ((0, 0, 0),) * 3, r"vqspeech 9\.9\.9, this is 0\."),
        ("hop", 8, "its rate is not that of its model"),
        ("speaker", 3, "speaker 3 is unknown"),
        ("coded", bytes(100), "decodes to other codes than were written"),
        ("coded", b"", "decodes to other codes than were written"),
        ("coded", b"\xff" * 300, "decodes to other codes than were written"),
        ("codes_crc", 0, "decodes to other codes than were written"),
    ],
)
def test_another_model_prior_version_or_machine_is_refused_by_name(
    pair, written, field, value, message
):
    save_compressed(written.path, load_compressed(written.path)._replace(**{field: value}))
    with pytest.raises(InputError, match=message):
        expand_file(written.path, pair.prior)


def test_a_prior_exported_in_16_bits_is_another_coder_and_refused_by_name(pair, written, tmp_path):
    folder = export_prior(tmp_path / "prior", tmp_path / "shared")
    assert hash_folder(folder) == hash_folder(tmp_path / "prior")
    with pytest.raises(InputError, match=r"written with the prior .*--prior"):
        expand_file(written.path, load_speech_prior(folder))


def test_without_the_coder_the_extra_is_named(monkeypatch, pair, tmp_path):
    monkeypatch.setitem(sys.modules, "constriction", None)
    with pytest.raises(MissingError, match=r"pip install 'vqspeech\[compress\]'"):
        compress.load_coder()


def test_the_commands_write_speak_and_unpack(pair, tmp_path):
    def run(*arguments):
        result = CliRunner().invoke(app, [str(a) for a in (*arguments, *pair.options)])
        assert result.exit_code == 0, result.output
        return result.output

    out = tmp_path / "out"
    assert "by the prior's likelihood" in run(
        "encode", tmp_path / "a.wav", "--compress", "--speaker", "p901", "--out", out
    )
    run("decode", out / "a.vqz", "--speaker", "p907", "--out", out / "b.wav")
    assert len(read_waveform(out / "b.wav", 16000).samples) == 8007
    run("decode", out / "a.vqz", "--out", out / "a.jsonl")
    waveform = read_waveform(tmp_path / "a.wav", 16000).samples
    codes = pair.voice.encode(waveform)
    np.testing.assert_array_equal(load_codes(out / "a.jsonl").codes, codes)
    spoken = pair.voice.decode(codes, "p907")[:8007]
    np.testing.assert_allclose(read_waveform(out / "b.wav", 16000).samples, spoken, atol=2**-15)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("encode", "a.wav", "--prior", "x", "--out", "o"), "go with --compress"),
        (("encode", "a.wav", "--compress", "--format", "jsonl", "--out", "o"), "leave out --form"),
        (("encode", ".", "--compress", "--out", "o"), "takes recordings"),
        (("decode", "a.vqz", "--out", "b.wav"), "--speaker: whose voice"),
        (("decode", "a.vqz", "--out", "b.npz", "--speaker", "p9"), "which nobody speaks"),
        (("decode", "a.npz", "--out", "b.npz", "--prior", "x"), "is not compressed"),
    ],
)
def test_options_that_do_not_fit_are_refused(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, arguments)
    assert isinstance(result.exception, UsageError)
    assert message in str(result.exception)
