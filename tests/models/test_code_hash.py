"""The hash of a model's codes: moved by what changes what a code means, by nothing else."""

import pytest
import torch

from vqspeech.checkpoint import save_folder
from vqspeech.errors import InputError
from vqspeech.models.build import model_config
from vqspeech.models.code_hash import hash_codes, hash_tensors


@pytest.fixture
def folder(make_model, tmp_path):
    """A function that saves the tiny model, changed as it is told, in a folder of its own."""
    count = iter(range(100))

    def save(change=None, files=None, config=None, **settings):
        model = make_model(**settings)
        if change is not None:
            with torch.no_grad():
                change(model)
        path = tmp_path / str(next(count))
        contents = {
            "config.json": model_config(model, **(config or {})),
            "model.safetensors": model.state_dict(),
            **(files or {}),
        }
        save_folder(path, contents)
        return path

    return save


def add(number):
    """A change of the first value of a parameter or buffer by `number`."""

    def apply(value):
        value.view(-1)[0] += number

    return apply


DECODER = {
    "a weight of the decoder": lambda m: add(1)(m.decoder.wavenet.skip.weight),
    "a speaker's row": lambda m: add(1)(m.decoder.speaker.weight),
    "how often codes were used": lambda m: add(1)(m.quantizer.counts),
    "the sums of a moving codebook": lambda m: add(1)(m.quantizer.sums),
    "steps of the normalisation": lambda m: add(1)(m.encoder.normalize.num_batches_tracked),
}
ENCODER = {
    "a weight of the encoder": lambda m: add(1e-3)(m.encoder.strided.output.weight),
    "a bias of the encoder": lambda m: add(1e-3)(m.encoder.strided.output.bias),
    "a mean of the normalisation": lambda m: add(1e-3)(m.encoder.normalize.running_mean),
    "a vector of the codebook": lambda m: add(1e-3)(m.quantizer.codebook),
}


@pytest.mark.parametrize("change", DECODER.values(), ids=DECODER)
def test_what_makes_no_codes_keeps_the_hash(folder, change):
    assert hash_codes(folder(change)) == hash_codes(folder())


@pytest.mark.parametrize("change", ENCODER.values(), ids=ENCODER)
def test_a_changed_encoder_or_codebook_changes_the_hash(folder, change):
    assert hash_codes(folder(change)) != hash_codes(folder())


def test_another_speaker_a_larger_decoder_or_another_loss_keeps_the_hash(folder, make_model):
    plain = make_model()

    def same_encoder(model):
        model.encoder.load_state_dict(plain.encoder.state_dict())
        model.quantizer.load_state_dict(plain.quantizer.state_dict())

    decoder = plain.settings.decoder.model_dump() | {"layers": 4}
    quantizer = plain.settings.quantizer.model_dump() | {"decay": 0.5, "commitment_cost": 1.0}
    for changes in (
        {"speakers": ("p901", "p907", "new")},
        {"decoder": decoder},
        {"quantizer": quantizer},
        {"jitter": 0.1},
    ):
        assert hash_codes(folder(same_encoder, **changes)) == hash_codes(folder())
    assert hash_codes(folder(config={"about": "more", "scores": {}})) == hash_codes(folder())


def test_another_rate_or_another_cut_into_groups_changes_the_hash(folder, make_model):
    plain = make_model()
    rate = folder(sample_rate=8000)
    quantizer = plain.settings.quantizer.model_dump() | {"groups": 2}
    # The weights of the rate are the same ones, drawn from the same seed.
    assert (
        len({hash_codes(folder()), hash_codes(rate), hash_codes(folder(quantizer=quantizer))}) == 3
    )


def test_the_running_average_counts_where_there_is_one(folder, make_model):
    average = {"average.safetensors": make_model().state_dict()}
    trained_on = folder(ENCODER["a weight of the encoder"], files=average)
    assert hash_codes(trained_on) == hash_codes(folder())


def test_a_prior_has_no_codes_of_its_own(folder):
    path = folder(config={"kind": "speech-prior"})
    with pytest.raises(InputError, match="holds a speech-prior, a speech-vqvae was wanted"):
        hash_codes(path)
    path = folder()
    (path / "model.safetensors").unlink()
    with pytest.raises(InputError, match=r"model\.safetensors: cannot be read"):
        hash_codes(path)


def test_the_hash_of_tensors_reads_the_values_that_are_wanted_and_no_others(tmp_path):
    def digest(tensors, wanted=lambda name: name.startswith("a")):
        save_folder(tmp_path / "model", {"model.safetensors": tensors})
        return hash_tensors(tmp_path / "model" / "model.safetensors", wanted)

    a, other = torch.arange(6.0), torch.ones(3)
    first = digest({"a": a, "b": other})
    assert first == digest({"0": other.half(), "b": other, "a": a.clone()})
    changed = (a + 1e-6, a.double(), a.view(2, 3))
    different = [digest({"a": value, "b": other}) for value in changed]
    different.append(digest({"ab": a, "b": other}))
    assert len({first, *different}) == 5
    assert digest({"a": a}, lambda name: True) == first


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_has_the_hash_of_the_float32_that_it_is_loaded_as(tmp_path, dtype):
    half = torch.tensor([0.0, -0.1, 3e-6, 1e4, 6e-8]).to(dtype)
    hashes = set()
    for value in (half, half.float(), half.double()):
        save_folder(tmp_path / "model", {"model.safetensors": {"a": value}})
        hashes.add(hash_tensors(tmp_path / "model" / "model.safetensors", lambda name: True))
    assert len(hashes) == 2  # double stays apart


@pytest.mark.parametrize("content", [b"", b"short", b"\xff" * 64, b"\x02" + bytes(7) + b"[]"])
def test_a_file_of_no_tensors_is_named_by_the_hash(tmp_path, content):
    (tmp_path / "model.safetensors").write_bytes(content)
    with pytest.raises(InputError, match=r"model\.safetensors: cannot be read as safetensors"):
        hash_tensors(tmp_path / "model.safetensors", lambda name: True)


def test_a_file_that_ends_within_a_tensor_is_named_by_the_hash(tmp_path):
    save_folder(tmp_path / "model", {"model.safetensors": {"a": torch.ones(3)}})
    path = tmp_path / "model" / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(InputError, match="cannot be read as safetensors"):
        hash_tensors(path, lambda name: True)
