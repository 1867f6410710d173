"""What stands beside a number: what made it."""

import json
import platform
import shlex
import sys

import torch

from vqspeech.environment import PACKAGES, describe_environment, package_version


def test_the_command_can_be_pasted_into_a_shell_whatever_was_started(monkeypatch):
    arguments = ["a b.yaml", "--set", "training.steps=3", "it's"]
    monkeypatch.setattr(sys, "argv", ["/somewhere/else.py", *arguments])
    for program in ("vqspeech", "python -m recipes.images.train"):
        command = describe_environment(program)["command"]
        assert shlex.split(command) == [*program.split(), *arguments]
    assert describe_environment()["command"].startswith("vqspeech 'a b.yaml' ")
    monkeypatch.setattr(sys, "argv", ["train.py"])
    assert describe_environment("program")["command"] == "program"


def test_an_argument_that_is_no_text_is_written_all_the_same(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["train.py", "caf\udce9.yaml"])
    facts = describe_environment("program")
    assert "\udce9" not in facts["command"]
    assert json.loads(json.dumps(facts).encode("utf-8")) == facts


def test_versions_are_those_that_are_installed():
    facts = describe_environment()
    assert facts["python"] == platform.python_version()
    assert facts["packages"]["torch"] == torch.__version__
    assert facts["packages"].keys() == set(PACKAGES)
    assert facts["threads"] == torch.get_num_threads()
    assert package_version("no-such-distribution") is None
