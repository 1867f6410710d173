"""A copy of the recipes in a folder of its own, with stand-ins for the commands that they call."""

import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

# Notes each call and writes what the recipes look for: data directories from CORPUS/voices and
# CORPUS/genders, and models that depend on their settings alone, of which the seed may not change.
VQSPEECH = """#!/usr/bin/env bash
set -eu
echo "${LAUNCHED:-}$*" >> "$CALLS"
if [ "${BROKEN:-}" = "$1" ]; then exit 3; fi
for ((i = 1; i < $#; i++)); do
  if [ "${!i}" = --out ]; then j=$((i + 1)); out="${!j}"; fi
done
case "$1 $2" in
  "prepare mini") set -- prepare mini "$CORPUS" "$4" ;;
  "doctor gpu") exit "${GPU:-4}" ;;
  "doctor pocketsphinx") exit "${ALIGNER:-0}" ;;
esac
case "$1" in
  prepare)
    mkdir -p "$4/audio"
    echo "{}" > "$4/prepared.json"
    voices="$(cat "$3/voices")"
    while [ $# -gt 4 ]; do
      if [ "$5" = --readers ]; then voices="$(head -n "$6" <<< "$voices")"; fi
      set -- "${@:1:4}" "${@:6}"
    done
    for part in train valid test; do
      mkdir -p "$4/$part"
      echo "$voices" > "$4/$part/utt2spk"
      for name in wav.scp text; do sed 's/ .*/ .../' <<< "$voices" > "$4/$part/$name"; done
      if [ -f "$3/genders" ]; then cp "$3/genders" "$4/$part/spk2gender"; fi
      if [ "$2" = mini ]; then echo SIL > "$4/$part/phones.ctm"; fi
    done ;;
  align)
    for folder in "$@"; do
      if [ -f "$folder/utt2spk" ]; then echo SIL > "$folder/phones.ctm"; fi
    done ;;
  train)
    mkdir -p "$out/best"
    seed="$(grep seed "$3" || true)"
    if [ "$(cat "$out/seed" 2> /dev/null || echo "$seed")" != "$seed" ]; then
      echo "error: $out: its seed differs" >&2
      exit 3
    fi
    echo "$seed" > "$out/seed"
    cp "$3" "$out/best/config.json"
    cksum < "$3" > "$out/best/MANIFEST.json" ;;
  sample)
    mkdir -p "$out"
    for name in sample-001-p1.wav sample-001-p1.npz samples.png; do echo 0 > "$out/$name"; done ;;
  encode)
    mkdir -p "$out"
    for name in codes.npy utt2codes codes.json; do echo 0 > "$out/$name"; done
    for name in utt2spk phones.ctm; do
      if [ -f "$2/$name" ]; then cp "$2/$name" "$out"; fi
    done ;;
  analyze)
    while [ $# -gt 1 ]; do
      case "$1" in --json | --save-map) mkdir -p "$(dirname "$2")" && echo 0 > "$2" ;; esac
      shift
    done ;;
  report) mkdir -p "$(dirname "$out")" && echo 0 > "$out" ;;
  convert)
    mkdir -p "$out"
    while [ $# -gt 1 ]; do
      if [ "$1" = --speaker ]; then echo hello > "$out/recording-$2.wav"; fi
      shift
    done ;;
esac
"""
# Any other interpreter than vqspeech's own: no recipe calls it.
PYTHON = """#!/bin/sh
echo "python $*" >> "$CALLS"
exit 1
"""
SETTINGS = "training:\n  steps: 3\n  learning_rate: 1\n"


class Recipe:
    """A copy of the recipes with stand-ins for their commands, a corpus and settings."""

    def __init__(self, folder: Path, name: str):
        self.folder, self.name = folder, name
        made = shutil.ignore_patterns("data", "exp", "corpus")
        shutil.copytree(ROOT / "egs", folder / "egs", ignore=made)
        (folder / "bin").mkdir()
        for command, text in (("vqspeech", VQSPEECH), ("python", PYTHON), ("python3", PYTHON)):
            (folder / "bin" / command).write_text(text)
            (folder / "bin" / command).chmod(0o755)
        self.write("corpus/voices", "p1_1 p1\np2_1 p2\np3_1 p3\n")
        self.write("recording.wav", "hello")
        self.write("my.yaml", SETTINGS)
        self.write("my_25hz.yaml", SETTINGS)
        self.write("my_prior.yaml", SETTINGS)
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
            [Path("egs") / self.name / "run.sh", *sum(options.items(), ())],
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
        names = dict.fromkeys(call.split()[0] for call in self.calls)
        return [name for name in names if name not in ("validate", "doctor")]

    def calls_of(self, command):
        return [call for call in self.calls if call.startswith(command)]
