"""A recipe's run.sh with stand-ins for its commands: which are called, and what it says."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# Notes each call and writes what the stages look for. What a settings file says is told by a file
# beside it, or found out by the real command, which takes half a second.
PYTHON = """#!/usr/bin/env bash
set -eu
command="${{2#recipes.}}"
if [ "$command" = {recipe}.options ]; then
  if [ -f "$3.told" ]; then exec cat "$3.told"; fi
  PYTHONPATH={root} exec {python} "$@"
fi
echo "${{command#{recipe}.}} ${{*:3}}" >> "$CALLS"
if [ "${{BROKEN:-}}" = "$command" ]; then exit 6; fi
for ((i = 1; i < $#; i++)); do
  j=$((i + 1))
  case "${{!i}}" in --out | --json) out="${{!j}}" ;; esac
done
case "$command" in
  {recipe}.train*)
    mkdir -p "$out/best"
    cksum < "$3" > "$out/best/config.json"
    cp "$out/best/config.json" "$out/best/MANIFEST.json" ;;
  {recipe}.results) echo "table of ${{*:3}}" ;;
{cases}
  *) mkdir -p "$(dirname "$out")" && echo "$*" > "$out" ;;
esac
"""


def script_of(recipe):
    return ROOT / "recipes" / recipe / "run.sh"


class Checkout:
    """A copy of a script, its settings and what it sources, with stand-ins for its commands.

    Args:
        folder: an empty one.
        recipe: such as images.
        cases: of a shell's `case "$command"`, for commands that write more than `--out`, a file.
    """

    def __init__(self, folder, recipe, cases):
        self.folder, self.recipe = folder, folder / "recipes" / recipe
        script = script_of(recipe)
        shutil.copytree(script.parent / "conf", self.recipe / "conf")
        shutil.copy(script, self.recipe)
        (folder / "egs").mkdir()
        for sourced in (ROOT / "egs").glob("*.sh"):
            shutil.copy(sourced, folder / "egs")
        (folder / "bin").mkdir()
        python = PYTHON.format(recipe=recipe, root=ROOT, python=sys.executable, cases=cases)
        for name, text in (("python", python), ("vqspeech", "#!/bin/sh\n")):
            (folder / "bin" / name).write_text(text)
            (folder / "bin" / name).chmod(0o755)

    def write(self, name, text):
        (self.folder / name).write_text(text)

    def tell(self, **options):
        """What my.yaml, which is run.sh's --config, is said to set."""
        self.write("my.yaml.told", "".join(f"{name}={value}\n" for name, value in options.items()))

    def run(self, *arguments, status=0, **environment):
        """The commands that were called, without their arguments."""
        (self.folder / "calls").write_text("")
        options = {"--out": "out", "--config": "my.yaml"}
        options |= dict(zip(arguments[::2], map(str, arguments[1::2]), strict=True))
        done = subprocess.run(
            [self.recipe.relative_to(self.folder) / "run.sh", *sum(options.items(), ())],
            capture_output=True,
            text=True,
            cwd=self.folder,
            env={
                **os.environ,
                "PATH": f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
                "CALLS": str(self.folder / "calls"),
                **environment,
            },
            check=False,
        )
        self.printed, self.said = done.stdout, done.stderr
        assert done.returncode == status, done.stderr
        self.calls = (self.folder / "calls").read_text().splitlines()
        return [call.split()[0] for call in self.calls]


def options_in_help(recipe):
    """The options that `run.sh --help` lists, and the line that it begins with."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [script_of(recipe), "--help"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PATH": path},
    )
    options = re.findall(r"^  --([a-z-]+) +\S.*\S$", done.stdout, re.MULTILINE)
    return options, done.stdout.splitlines()[0]


def complaints_of_shellcheck(recipe):
    command = ["shellcheck", "-x", "--source-path=SCRIPTDIR", script_of(recipe)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout
