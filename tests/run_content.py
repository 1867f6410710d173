"""What two runs that should be the same are compared by."""

import json

from vqspeech.checkpoint import checkpoints


def run_content(path):
    """Every file of the last checkpoint and the log, but for what depends on the clock."""
    files = {f.name: f.read_bytes() for f in checkpoints(path)[-1].iterdir()}
    del files["MANIFEST.json"]
    state = json.loads(files.pop("state.json"))
    del state["seconds"]
    return files, state, (path / "log.jsonl").read_text()
