"""The networks that judge a recording, where they are installed, and what is said where not."""

import sys
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from vqspeech.audio.waveform import read_waveform
from vqspeech.data.speech_judges import DnsmosJudge, ResemblyzerEncoder
from vqspeech.errors import MissingError

AUDIO = Path(str(resources.files("vqspeech"))) / "assets" / "mini" / "audio"


def speech(name):
    return read_waveform(AUDIO / name.split("_")[0] / f"{name}.opus", 8000).samples


@pytest.mark.parametrize(
    ("judge", "module"), [(ResemblyzerEncoder, "resemblyzer"), (DnsmosJudge, "speechmos")]
)
def test_one_that_is_not_installed_names_what_to_install(monkeypatch, judge, module):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingError, match=r"pip install 'vqspeech\[evaluate\]', or --no-"):
        judge()


def test_one_voice_is_nearer_to_itself_than_to_another():
    pytest.importorskip("resemblyzer")
    encoder = ResemblyzerEncoder()
    one, again, other = (
        encoder.embed(speech(name), 8000) for name in ("p901_001", "p901_002", "p907_001")
    )
    assert np.linalg.norm(one) == pytest.approx(1)
    assert one @ again > one @ other + 0.1
    assert encoder.embed(np.zeros(8000, np.float32), 8000) is None
    assert encoder.embed(speech("p901_001")[:400], 8000) is None


def test_noise_costs_points():
    pytest.importorskip("speechmos")
    judge, clean = DnsmosJudge(), speech("p901_001")
    noise = np.random.default_rng(0).normal(0, 0.05, len(clean)).astype(np.float32)
    assert 1 < judge.rate(clean + noise, 8000) < judge.rate(clean, 8000) < 5
    assert judge.rate(np.zeros(8000, np.float32), 8000) is None
