"""`analyze speakers` reads whose codes are whose from the directory."""

import numpy as np
import pytest

from vqspeech.data.codes import write_code_dir
from vqspeech.data.data_dir import DataDir, Utterance
from vqspeech.errors import InputError
from vqspeech.stages.analyze_speakers import analyze_speakers


def write(path, codes, speakers, groups=1):
    utterances = {u: Utterance(u, speakers[u], None) for u in codes}
    write_code_dir(
        path,
        codes,
        DataDir(path, utterances),
        hop=640,
        sample_rate=16000,
        num_codes=64,
        groups=groups,
        model_hash="abc",
    )
    return path


def corpus(tells_speaker, groups=1):
    """Twelve speakers of six utterances of forty frames."""
    rng = np.random.default_rng(0)
    codes, speakers = {}, {}
    for s in range(12):
        for u in range(6):
            name = f"p{s:02}-{u}"
            # Two groups: only both together tell who speaks.
            row = rng.integers(0, 12, (40, groups))
            if groups > 1:
                row[:, 1] = (s - row[:, 0]) % 12 if tells_speaker else rng.integers(0, 12, 40)
            elif tells_speaker:
                row[:20] = s
            codes[name], speakers[name] = row if groups > 1 else row[:, 0], f"p{s:02}"
    return codes, speakers


@pytest.mark.parametrize("groups", [1, 2])
def test_codes_that_tell_the_speaker_are_found_out(tmp_path, groups):
    found = analyze_speakers(write(tmp_path / "c", *corpus(True, groups), groups))
    assert found["kind"] == "speakers"
    assert (found["codes"], found["model_hash"]) == (str(tmp_path / "c"), "abc")
    assert (found["rate"], found["num_codes"]) == (25.0, 64**groups)
    assert found["probe"]["accuracy"] > 0.9
    assert found["probe"]["resampled"] == "speakers"
    assert found["information"]["excess"] > 0.2


def test_codes_that_tell_nothing_are_at_chance(tmp_path):
    found = analyze_speakers(write(tmp_path / "c", *corpus(False)))
    assert found["probe"]["accuracy"] < 0.25
    assert abs(found["information"]["excess"]) < 0.02
    assert found["probe"]["chance"] == pytest.approx(1 / 12)


def test_the_seed_decides(tmp_path):
    path = write(tmp_path / "c", *corpus(False))
    assert analyze_speakers(path, seed=1) == analyze_speakers(path, seed=1)
    assert analyze_speakers(path, seed=1) != analyze_speakers(path, seed=2)


def test_a_second_speaker_who_says_nothing_is_none(tmp_path):
    codes = {"a-1": np.array([1, 2]), "b-1": np.zeros(0, int)}
    path = write(tmp_path / "c", codes, {"a-1": "a", "b-1": "b"})
    with pytest.raises(InputError, match="1 speaker"):
        analyze_speakers(path)
