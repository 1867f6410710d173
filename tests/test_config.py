"""Settings: strict, overridable, and resolved without loss."""

import pytest

from vqspeech.config.loader import dump_config, load_config
from vqspeech.config.schema import TrainSpeechVQVAE
from vqspeech.errors import InputError


@pytest.fixture
def load(tmp_path):
    def load(text, *overrides):
        path = tmp_path / "conf.yaml"
        path.write_text(text)
        return load_config(path, TrainSpeechVQVAE, overrides)

    return load


def test_overrides_replace_one_value_and_the_rest_stays(load):
    settings = load("training: {steps: 5, seed: 3}", "training.steps=7", "model.jitter=0.12")
    assert (settings.training.steps, settings.training.seed, settings.model.jitter) == (7, 3, 0.12)


def test_a_rate_in_scientific_notation_is_a_number(load):
    assert load("", "training.learning_rate=1e-4").training.learning_rate == 1e-4


def test_an_encoder_without_a_kind_is_the_papers(load):
    assert load("model: {encoder: {strides: [2]}}").model.encoder.kind == "waveform"


def test_resolved_settings_read_back_equal(load, tmp_path):
    settings = load("model: {encoder: {kind: log_mel, strides: [2, 2]}}")
    path = tmp_path / "resolved.yaml"
    path.write_text(dump_config(settings))
    assert load_config(path, TrainSpeechVQVAE) == settings


@pytest.mark.parametrize(
    ("text", "override", "message"),
    [
        ("training: {learning_rat: 1}", None, r"learning_rat is no setting; did you mean training"),
        ("model: {encoder: {kind: log_mel, stride: [2]}}", None, r"did you mean model.encoder"),
        ("training: {steps: many}", None, r"training.steps is 'many': input should be a valid int"),
        ("training: {steps: 0}", None, r"training.steps is 0: input should be greater than 0"),
        ("model: {quantizer: {dim: 5, groups: 2}}", None, r"dim 5 is no multiple of groups 2"),
        ("model: {encoder: {kind: mfcc}}", None, r"model.encoder is .*mfcc"),
        ("model: {decoder: {gate_channels: 7}}", None, r"gate_channels is 7"),
        ("model: {encoder: {strides: []}}", None, r"model.encoder.waveform.strides is \[\]"),
        ("training: {crop_seconds: .inf}", None, r"crop_seconds is inf"),
        ("training: {seed: 5000000000}", None, r"training.seed is 5000000000"),
        ("model: {decoder: {dilation_cycle: 60}}", None, r"dilation_cycle is 60"),
        ("training: {steps: 1, steps: 2}", None, r"conf.yaml:1: no valid YAML .*given twice"),
        ("a: &a [1, 2]\nb: *a", None, r"conf.yaml:2: no valid YAML .*aliases"),
        ("a: 2020-99-99", None, r"no valid YAML"),
        ("a: !!int foo", None, r"no valid YAML"),
        ("", "training.steps=2020-99-99", r"the value is no valid YAML"),
        ("- a\n- b", None, r"settings are 'name: value' lines; found \['a', 'b'\]"),
        ("a: [1", None, r"conf.yaml:1: no valid YAML"),
        ("!!python/object/apply:os.system [echo]", None, r"no valid YAML"),
        ("", "training.steps", r"--set training.steps: wanted NAME=VALUE"),
        ("", "training.steps=[", r"--set training.steps=\[: the value is no valid YAML"),
    ],
)
def test_a_mistake_is_one_line_that_names_the_setting(load, text, override, message):
    with pytest.raises(InputError, match=message) as caught:
        load(text, *([override] if override else []))
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"nowhere\.yaml: No such file"):
        load_config(tmp_path / "nowhere.yaml", TrainSpeechVQVAE)
