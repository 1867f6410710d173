"""The loop: exact resume, averages, guards and signals, on a model of two numbers."""

import hashlib
import json
import os
import signal
from typing import ClassVar

import pytest
import torch
from run_content import run_content
from torch import nn

from vqspeech.checkpoint import checkpoints, load_tensors
from vqspeech.config.schema import TrainingSettings
from vqspeech.errors import DivergedError, InputError
from vqspeech.training.average import WeightAverage
from vqspeech.training.batches import prefetch
from vqspeech.training.fit import Interrupted, Task, fit
from vqspeech.training.optimizer import learning_rate, reset_rows
from vqspeech.training.progress import TrainingProgress


def settings(**changes):
    base = dict(steps=12, learning_rate=0.05, warmup_steps=2, log_every=5, checkpoint_every=4)
    return TrainingSettings(**(base | changes))


class Line(nn.Module):
    """y = w x + b, with dropout, so that a step depends on random numbers too."""

    def __init__(self):
        super().__init__()
        self.line = nn.Linear(3, 1)
        self.dropout = nn.Dropout(0.5)


def task(spoil=(), **more):
    torch.manual_seed(0)
    model = Line()

    def batch_at(step):
        x = torch.randn(8, 3, generator=torch.Generator().manual_seed(step))
        return x * float("nan") if step in spoil else x

    def compute_losses(x):
        error = model.line(model.dropout(x)) - x.sum(1, keepdim=True)
        return {"loss": error.pow(2).mean(), "nll": error.abs().mean()}

    def validate():
        return {"nll": float((model.line.weight - 1).abs().sum())}

    describe = lambda x: ["an utterance"]  # noqa: E731
    return Task(
        model,
        compute_losses,
        batch_at,
        {"kind": "line"},
        validate=validate,
        describe=describe,
        **more,
    )


def run(path, job=None, **changes):
    job = job or task()
    quiet = TrainingProgress(1, quiet=True)
    state = fit(job, settings(**changes), path, progress=quiet)
    return job, state


@pytest.mark.parametrize(
    ("stop", "optimizer"), [(1, "adam"), (3, "adam"), (4, "adam"), (7, "muon"), (11, "adamw")]
)
def test_a_run_stopped_anywhere_ends_bit_for_bit_as_if_it_never_was(tmp_path, stop, optimizer):
    for name in ("whole", "stopped"):
        (tmp_path / name).mkdir()
    run(tmp_path / "whole", optimizer=optimizer)

    taken = []

    def stop_there(_optimizer):
        taken.append(1)
        if len(taken) == stop:
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(Interrupted) as caught:
        run(tmp_path / "stopped", task(after_step=stop_there), optimizer=optimizer)
    assert caught.value.status == 143
    assert checkpoints(tmp_path / "stopped")[-1].name == f"step-{stop:08d}"
    run(tmp_path / "stopped", optimizer=optimizer)
    assert run_content(tmp_path / "stopped") == run_content(tmp_path / "whole")
    # Where it went on stands apart from the log.
    assert (tmp_path / "stopped" / "resumed.jsonl").read_text() == f'{{"step": {stop}}}\n'
    run(tmp_path / "whole", optimizer=optimizer)  # a finished run goes nowhere
    assert not (tmp_path / "whole" / "resumed.jsonl").exists()


def test_a_broken_checkpoint_is_passed_over_and_the_run_ends_the_same(tmp_path):
    for name in ("whole", "broken"):
        (tmp_path / name).mkdir()
        run(tmp_path / name)
    newest = checkpoints(tmp_path / "broken")[-1]
    weights = newest / "model.safetensors"
    damaged = bytearray(weights.read_bytes())
    damaged[-1] ^= 1
    weights.write_bytes(damaged)
    _, state = run(tmp_path / "broken")
    assert state.step == 12
    assert run_content(tmp_path / "broken") == run_content(tmp_path / "whole")


def test_a_batch_that_is_not_finite_moves_nothing_and_is_counted(tmp_path):
    job, state = run(tmp_path, task(spoil=[3, 5]))
    assert state.skipped == 2
    assert all(torch.isfinite(p).all() for p in job.model.parameters())
    averaged = load_tensors(tmp_path / "latest" / "average.safetensors")
    assert all(torch.isfinite(t).all() for t in averaged.values())


def test_too_many_of_them_stop_the_run_and_name_their_utterances(tmp_path):
    with pytest.raises(DivergedError, match="3 batches in a row") as caught:
        run(tmp_path, task(spoil=range(4, 12)), skipped_batches_allowed=2)
    assert caught.value.exit_code == 6
    report = json.loads((tmp_path / "diverged.json").read_text())
    assert report == {"step": 7, "batches": [["an utterance"]] * 3}


def test_the_best_checkpoint_stays_when_older_ones_go(tmp_path):
    scores = iter([3.0, 1.0, 2.0])
    job = task()
    job.validate = lambda: {"nll": next(scores)}
    run(tmp_path, job, keep_checkpoints=1)
    assert os.readlink(tmp_path / "best") == "step-00000008"
    assert os.readlink(tmp_path / "latest") == "step-00000012"
    assert [p.name for p in checkpoints(tmp_path)] == ["step-00000008", "step-00000012"]


def test_other_settings_of_the_model_are_refused(tmp_path):
    run(tmp_path)
    job = task()
    job.config = {"kind": "curve"}
    with pytest.raises(InputError, match="its kind differs from what is asked for now"):
        run(tmp_path, job)


def test_another_seed_or_other_data_are_refused_and_other_threads_are_noted(tmp_path, capsys):
    run(tmp_path, task(identity={"data": "a"}))
    with pytest.raises(InputError, match="its seed differs"):
        run(tmp_path, task(identity={"data": "a"}), seed=1)
    with pytest.raises(InputError, match="its data differs"):
        run(tmp_path, task(identity={"data": "b"}))
    state = tmp_path / "latest" / "state.json"
    changed = json.loads(state.read_text())
    changed["circumstances"]["threads"] = 77
    manifest = tmp_path / "latest" / "MANIFEST.json"
    entries = json.loads(manifest.read_text())
    state.write_text(json.dumps(changed))
    content = state.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    entries["files"]["state.json"] = {"bytes": len(content), "sha256": digest}
    manifest.write_text(json.dumps(entries))
    fit(task(identity={"data": "a"}), settings(), tmp_path)
    assert "written with threads 77, going on with 1: not bit-identical" in capsys.readouterr().err


def test_a_loop_s_own_settings_may_not_change_where_its_batches_depend_on_them(tmp_path):
    class LineSettings(TrainingSettings):
        FIXED: ClassVar[tuple[str, ...]] = (*TrainingSettings.FIXED, "noise")
        noise: float = 0.0
        colour: float = 0.0

    def go_on(**changes):
        wanted = LineSettings(**settings().model_dump() | changes)
        fit(task(), wanted, tmp_path, progress=TrainingProgress(1, quiet=True))

    go_on(steps=4)
    for change, told in (({"noise": 1.0}, "noise"), ({"optimizer": "adamw"}, "optimizer")):
        with pytest.raises(InputError, match=f"its {told} differs"):
            go_on(steps=8, **change)
    go_on(steps=8, colour=1.0)
    assert "FIXED" not in LineSettings().model_dump()  # no setting itself


def test_a_run_that_is_refused_is_not_touched(tmp_path):
    started = []
    run(tmp_path, task(on_start=lambda: started.append(1)))
    job = task(on_start=lambda: started.append(2))
    with pytest.raises(InputError):
        run(tmp_path, job, seed=5)
    assert started == [1]


def test_a_checkpoint_newer_than_a_broken_run_goes_back_to_is_not_removed(tmp_path):
    run(tmp_path, keep_checkpoints=1)
    newest = checkpoints(tmp_path)[-1]
    newest.rename(tmp_path / "step-00000057")
    (tmp_path / "step-00000057" / "state.json").unlink()
    with pytest.raises(InputError, match="no checkpoint verifies"):
        run(tmp_path)
    (tmp_path / "step-00000057").rename(tmp_path / "elsewhere")
    run(tmp_path, keep_checkpoints=1, steps=8)
    (tmp_path / "elsewhere").rename(tmp_path / "step-00000057")
    run(tmp_path, keep_checkpoints=1, steps=12)
    assert (tmp_path / "latest" / "MANIFEST.json").exists()
    assert (tmp_path / "step-00000057.broken").is_dir()


def test_a_validation_that_is_not_finite_is_divergence(tmp_path):
    job = task()
    job.validate = lambda: {"nll": float("nan")}
    with pytest.raises(DivergedError, match="the validation at step 4"):
        run(tmp_path, job)
    assert checkpoints(tmp_path) == []


def test_resume_never_and_must_mean_what_they_say(tmp_path):
    with pytest.raises(InputError, match="no checkpoint to resume from"):
        fit(task(), settings(), tmp_path, resume="must")
    run(tmp_path)
    with pytest.raises(InputError, match="holds a run"):
        fit(task(), settings(), tmp_path, resume="never")


def test_the_log_holds_means_and_validations(tmp_path):
    run(tmp_path)
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [4, 5, 8, 10, 12]
    assert {"loss", "nll", "gradient_norm", "learning_rate", "skipped"} < lines[1].keys()
    assert lines[0]["valid"].keys() == {"nll"}


def test_a_loss_that_begins_late_is_averaged_over_the_steps_that_had_it(tmp_path):
    job = task()
    count = iter(range(100))
    job.compute_losses = lambda x, f=job.compute_losses: (
        f(x) | ({"late": torch.tensor(7.0)} if next(count) >= 3 else {})
    )
    run(tmp_path, job)
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [line["late"] for line in lines if "valid" not in line] == [7.0, 7.0]


def test_the_average_follows_its_recursion_and_gives_the_weights_back():
    model = nn.Linear(1, 1, bias=False)
    average = WeightAverage(model, decay=0.9)
    expected = model.weight.item()
    for step in range(1, 30):
        with torch.no_grad():
            model.weight.fill_(float(step))
        average.update(step)
        decay = min(0.9, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * step
    with average.applied():
        assert model.weight.item() == pytest.approx(expected, rel=1e-5)
    assert model.weight.item() == 29.0


def test_the_rate_warms_up_and_falls_along_a_cosine():
    wanted = settings(steps=100, learning_rate=1.0, final_learning_rate=0.1, warmup_steps=9)
    assert learning_rate(0, wanted) == pytest.approx(0.1)
    assert learning_rate(50, wanted) == pytest.approx(0.55)
    assert learning_rate(100, wanted) == pytest.approx(0.1)


def test_resetting_rows_forgets_their_moments_alone():
    table = nn.Parameter(torch.randn(2, 3, 4))
    optimizer = torch.optim.Adam([table])
    table.grad = torch.ones_like(table)
    optimizer.step()
    reset_rows(optimizer, table, iter([(0, 1), (1, 2)]))
    for name in ("exp_avg", "exp_avg_sq"):
        moments = optimizer.state[table][name]
        assert moments[0, 1].abs().sum() == moments[1, 2].abs().sum() == 0
        assert (moments.abs().sum(-1) > 0).sum() == 4
    assert optimizer.state[table]["step"] == 1


def test_batches_come_in_order_and_an_error_among_them_is_raised():
    assert list(prefetch(lambda step: step * step, 3, 9)) == [9, 16, 25, 36, 49, 64]

    def fails(step):
        if step == 2:
            raise InputError("b.wav: gone")
        return step

    batches = prefetch(fails, 0, 5)
    assert [next(batches), next(batches)] == [0, 1]
    with pytest.raises(InputError, match="gone"):
        next(batches)
