"""A copy of the recipes in a folder of its own, with stand-ins for the commands that they call."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

# Notes each call and writes what the recipes look for: data directories from CORPUS/voices and
# CORPUS/genders, and a model that depends on its settings alone.
VQSPEECH = """#!/usr/bin/env bash
set -eu
echo "$*" >> "$CALLS"
if [ "${BROKEN:-}" = "$1" ]; then exit 3; fi
for ((i = 1; i < $#; i++)); do
  if [ "${!i}" = --out ]; then j=$((i + 1)); out="${!j}"; fi
done
case "$1 $2" in
  "prepare mini") set -- prepare mini "$CORPUS" "$3" ;;
esac
case "$1" in
  prepare)
    for part in train valid test; do
      mkdir -p "$4/$part"
      cat "$3/voices" > "$4/$part/utt2spk"
      if [ -f "$3/genders" ]; then cp "$3/genders" "$4/$part/spk2gender"; fi
    done ;;
  align)
    for folder in "$@"; do
      if [ -f "$folder/utt2spk" ]; then echo SIL > "$folder/phones.ctm"; fi
    done ;;
  train)
    mkdir -p "$out/best"
    cp "$3" "$out/best/config.json"
    cksum < "$3" > "$out/best/MANIFEST.json" ;;
  encode) mkdir -p "$out" && echo 0 > "$out/codes.npy" ;;
  convert) mkdir -p "$out" && echo hello > "$out/recording-p1.wav" ;;
esac
"""
# Says what is installed as a test wishes; everything else is the interpreter's.
PYTHON = f"""#!/usr/bin/env bash
case "$*" in
  *pocketsphinx*) exit "${{NO_ALIGNER:-0}}" ;;
  *torch*) exit "${{NO_GPU:-1}}" ;;
esac
exec {sys.executable} "$@"
"""
SETTINGS = "training:\n  steps: 3\n  learning_rate: 1\n"


class Recipe:
    """A copy of the recipes with stand-ins for their commands, a corpus and settings."""

    def __init__(self, folder: Path, name: str):
        self.folder, self.name = folder, name
        made = shutil.ignore_patterns("data", "exp", "corpus")
        shutil.copytree(ROOT / "egs", folder / "egs", ignore=made)
        (folder / "bin").mkdir()
        for command, text in (("vqspeech", VQSPEECH), ("python", PYTHON)):
            (folder / "bin" / command).write_text(text)
            (folder / "bin" / command).chmod(0o755)
        self.write("corpus/voices", "p1_1 p1\np2_1 p2\np3_1 p3\n")
        self.write("recording.wav", "hello")
        self.write("my.yaml", SETTINGS)
        self.write("my_25hz.yaml", SETTINGS)
        self.options = {"--out": "out", "--src": "recording.wav", "--config": "my.yaml"}
        if name != "mini":
            self.options["--corpus"] = "corpus"

    def write(self, name, text):
        (self.folder / name).parent.mkdir(exist_ok=True)
        (self.folder / name).write_text(text)

    def run(self, *arguments, status=0, without=(), **environment):
        """The commands that were called, without their arguments."""
        (self.folder / "calls").write_text("")
        options = {key: value for key, value in self.options.items() if key not in without}
        options |= dict(zip(arguments[::2], map(str, arguments[1::2]), strict=True))
        done = subprocess.run(
            [self.folder / "egs" / self.name / "run.sh", *sum(options.items(), ())],
            capture_output=True,
            text=True,
            cwd=self.folder,
            env={
                **os.environ,
                "PATH": f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
                "CALLS": str(self.folder / "calls"),
                "CORPUS": str(self.folder / "corpus"),
                **environment,
            },
            check=False,
        )
        self.printed, self.said = done.stdout, done.stderr
        assert done.returncode == status, done.stderr
        self.calls = (self.folder / "calls").read_text().splitlines()
        names = [call.split()[0] for call in self.calls]
        return [name for name in dict.fromkeys(names) if name != "validate"]

    def calls_of(self, command):
        return [call for call in self.calls if call.startswith(command)]
