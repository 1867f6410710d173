#!/usr/bin/env bash
# Sourced by run.sh after the options: which stages run, and what they find.
# shellcheck disable=SC2154  # recipe, config, stage and the like are run.sh's own

# From here on a relative path is the caller's; a path that begins with conf/ is the recipe's own.
case "$config" in conf/*) config="$recipe/$config" ;; esac
if [ ! -f "$config" ]; then
  echo "error: $config: no such settings file; give --config conf/NAME.yaml" >&2
  exit 3
fi

# stage_runs N NAME: whether stage N is among those asked for; says so if it is.
stage_runs() {
  if [ "$stage" -le "$1" ] && [ "$stop_stage" -ge "$1" ]; then
    echo "== stage $1: $2"
  else
    return 1
  fi
}

# needs FILE N: stops unless FILE is there, naming the stage that makes it.
needs() {
  if [ ! -e "$1" ]; then
    echo "error: $1 is missing; stage $2 makes it: $0 --stage $2" >&2
    exit 3
  fi
}

# convert_to FOLDER: says the recording $src, or the packaged one, in the voices of $speakers.
convert_to() {
  if [ -z "$src" ]; then
    src="$(python -c 'from importlib.resources import files
print(files("vqspeech") / "assets" / "recording" / "librivox.flac")')"
  fi
  local targets=() speaker
  for speaker in $speakers; do targets+=(--speaker "$speaker"); done
  vqspeech convert --src "$src" "${targets[@]}" --model "$model" --out "$1" --overwrite \
    --device "$device"
}
