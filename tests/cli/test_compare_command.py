"""`vqspeech compare` as a user meets it."""

import json

from made_up_scores import conversion_scores, make_pair, write_scores


def test_a_table_goes_out_notes_go_to_stderr_and_numbers_into_a_file(run, tmp_path):
    a = write_scores(tmp_path / "a.json", conversion_scores(temperature=1.0))
    b = write_scores(tmp_path / "b.json", conversion_scores())
    status, out, err = run("compare", a, b, "--metric", "wer", "--json", tmp_path / "c.json")
    assert status == 0
    assert err == "note: temperature: 1.0 in A, 0.8 in B\n"
    assert "test: 12 pairs in both; intervals of 95% from 2000 resamples of 4 sources" in out
    found = json.loads((tmp_path / "c.json").read_text())
    assert list(found["sets"][0]["measures"]) == ["wer"]
    assert found["environment"]["command"].startswith("vqspeech compare")


def test_mistakes_have_their_exit_status(run, tmp_path):
    a = write_scores(tmp_path / "a.json", conversion_scores())
    b = write_scores(tmp_path / "b.json", conversion_scores([make_pair("x", "y")]))
    assert run("compare", a, b)[0] == 3
    assert run("compare", a, a, "--metric", "speed")[0] == 2
    assert run("compare", a, a, "--json", tmp_path)[0] == 5
