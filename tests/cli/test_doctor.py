"""`vqspeech doctor` asked for some of its checks."""

import sys

import pytest
import torch


@pytest.mark.parametrize(("gpus", "status", "mark"), [(0, 4, "no"), (1, 0, "ok")])
def test_doctor_says_by_its_status_whether_there_is_a_gpu(run, monkeypatch, gpus, status, mark):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda index: "a card")
    found, out, _ = run("doctor", "gpu")
    assert found == status
    assert out.startswith(f"{mark}  gpu")
    assert out.count("\n") == 1


def test_what_is_optional_is_missed_only_when_it_is_asked_for(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "pocketsphinx", None)  # as if it were not installed
    assert run("doctor")[0] == 0
    status, out, _ = run("doctor", "numpy", "pocketsphinx")
    assert status == 4
    assert [line.split()[:2] for line in out.splitlines()] == [
        ["ok", "numpy"],
        ["no", "pocketsphinx"],
    ]


def test_a_name_that_doctor_does_not_check_is_refused_with_those_it_does(run):
    status, out, err = run("doctor", "gpu", "gpus")
    assert (status, out) == (2, "")
    assert err.startswith("error: gpus: nothing that is checked; one of vqspeech, python, ")
    assert "gpu, numpy, " in err
    assert err.count("\n") == 1
