"""What two runs that should be the same are compared by, and how one of them is cut in two."""

import json
import os
import signal

from vqspeech.checkpoint import checkpoints
from vqspeech.training import fit


def run_content(path):
    """Every file of the last checkpoint and the log, but for what depends on the clock."""
    files = {f.name: f.read_bytes() for f in checkpoints(path)[-1].iterdir()}
    del files["MANIFEST.json"]
    state = json.loads(files.pop("state.json"))
    del state["seconds"]
    return files, state, (path / "log.jsonl").read_text()


def stop_in_step(monkeypatch, number):
    """Have SIGTERM come during the step of a training that is the `number`th."""
    rate = fit.learning_rate

    def learning_rate(step, settings):
        if step == number - 1:
            os.kill(os.getpid(), signal.SIGTERM)
        return rate(step, settings)

    monkeypatch.setattr(fit, "learning_rate", learning_rate)
