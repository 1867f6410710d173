"""A command run in this process, and a model for it to speak with."""

import sys

import pytest

from vqspeech import cli
from vqspeech.checkpoint import save_folder
from vqspeech.cli.leave import run_for_status
from vqspeech.models.build import model_config


@pytest.fixture
def run(monkeypatch, capfd):
    """Run a command in this process: exit status, standard output, standard error."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["vqspeech", *map(str, arguments)])
        status = run_for_status(cli.app)
        out, err = capfd.readouterr()
        assert "Traceback" not in err
        return status, out, err

    return run


@pytest.fixture
def model(make_model, tmp_path):
    built = make_model(("p901", "p907"))
    information = {"p901": {"gender": "f", "accent": "American"}, "p907": {"gender": "m"}}
    files = {
        "config.json": model_config(built, speaker_information=information),
        "model.safetensors": built.state_dict(),
    }
    save_folder(tmp_path / "model", files)
    return tmp_path / "model"
