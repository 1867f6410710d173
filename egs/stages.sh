#!/usr/bin/env bash
# Sourced by run.sh after the options: which stages run, which were done before, what they find.
# shellcheck disable=SC2154  # recipe, config, stage and the like are run.sh's own

# From here on a relative path is the caller's; a path that begins with conf/ is the recipe's own.
case "$config" in conf/*) config="$recipe/$config" ;; esac
if [ -n "$config" ] && [ ! -f "$config" ]; then
  echo "error: $config: no such settings file; give --config conf/NAME.yaml" >&2
  exit 3
fi
for number in "$stage" "$stop_stage"; do
  case "$number" in
    "" | *[!0-9]*)
      echo "error: --stage $stage --stop-stage $stop_stage: numbers were wanted; see $0 --help" >&2
      exit 2
      ;;
  esac
done
if [ "$stage" -gt "$stop_stage" ]; then
  echo "error: --stage $stage --stop-stage $stop_stage: no stage is left; see $0 --help" >&2
  exit 2
fi

# asked N: whether stage N is among those that are to run.
asked() {
  [ "$stage" -le "$1" ] && [ "$stop_stage" -ge "$1" ]
}

# checksums FILE...: a line for each, with its name.
checksums() {
  if command -v sha256sum > /dev/null; then sha256sum "$@"; else shasum -a 256 "$@"; fi
}

# What a stage depends on, as text: what the functions below print, or values such as "$speakers".

# settings_in FILE: what it sets; a comment that was mended is no other setting.
settings_in() {
  if [ -f "$1" ]; then sed -e 's/#.*//' -e 's/[[:space:]]*$//' -e '/^$/d' "$1"; fi
}

# content_of FILE...: what they hold, if they are there.
content_of() {
  local file
  for file in "$@"; do
    if [ -f "$file" ]; then checksums < "$file"; else echo "no ${file##*/}"; fi
  done
}

# tables_of DATA...: who says what where. Not the phones, which nothing is trained on.
tables_of() {
  local folder file
  for folder in "$@"; do
    (
      echo "${folder##*/}"
      cd "$folder" 2> /dev/null || exit 0
      set --
      for file in *; do
        if [ -f "$file" ] && [ "$file" != phones.ctm ]; then set -- "$@" "$file"; fi
      done
      if [ $# -gt 0 ]; then checksums "$@"; fi
    )
  done
}

# tables_of_parts: those of all data directories that are there.
tables_of_parts() {
  list_parts
  tables_of ${parts[@]+"${parts[@]}"} # an empty array is an unset one to older shells
}

# codes_of MODEL: what codes come from: the weights, the data, and the phones that go with it.
codes_of() {
  content_of "$1/MANIFEST.json"
  tables_of_parts
  content_of ${parts[@]+"${parts[@]/%//phones.ctm}"}
}

# place_of FOLDER: the same from wherever the recipe is called.
place_of() {
  (cd "$1" 2> /dev/null && pwd -P) || echo "$1"
}

# stage_runs N NAME [FOLDER INPUT...]: whether stage N is to run; says what becomes of it.
# FOLDER/.stage-N, its stamp, lies in what the stage makes and is deleted with it. It holds the
# checksum of the inputs, then the files that were made. Without FOLDER the stage always runs.
stage_runs() {
  asked "$1" || return 1
  stamp=""
  if [ $# -gt 2 ]; then
    stamp="$3/.stage-$1"
    stamp_inputs="$(printf '%s\n' "${@:4}" | checksums)"
    if stamp_holds "$3"; then
      echo "== stage $1: $2: done before; remove $stamp to run it again"
      return 1
    fi
    rm -f "$stamp" # from now on what is there may be half of one, half of the other
  fi
  echo "== stage $1: $2"
}

# stamp_holds FOLDER: whether the inputs are those of the stamp and all is there that was made.
stamp_holds() {
  local made
  [ -f "$stamp" ] || return 1
  {
    read -r made
    [ "$made" = "$stamp_inputs" ] || return 1
    while read -r made; do [ -e "$1/$made" ] || return 1; done
  } < "$stamp"
}

# stage_done FILE...: stamps the stage, which made these files below the stamp's folder.
# The inputs are those that it began with: they may have changed meanwhile.
stage_done() {
  mkdir -p "${stamp%/*}"
  printf '%s\n' "$stamp_inputs" "$@" > "$stamp.new"
  mv "$stamp.new" "$stamp"
}

# stage_missing N NAME COMMAND: says of a stage that the toolkit cannot run it yet.
stage_missing() {
  asked "$1" || return 0
  if [ "$stage" -eq "$stop_stage" ]; then
    echo "error: stage $1: $2: 'vqspeech $3' does not exist yet" >&2
    exit 3
  fi
  echo "== stage $1: $2: left out, 'vqspeech $3' does not exist yet"
}

# needs FILE N: stops unless FILE is there, naming the stage that makes it.
needs() {
  if [ ! -e "$1" ]; then
    echo "error: $1 is missing; stage $2 makes it: $0 --stage $2" >&2
    exit 3
  fi
}

# list_parts: sets `parts` to the data directories that stage 1 made, however many the corpus has.
list_parts() {
  local table
  parts=()
  for table in "$data"/*/utt2spk; do
    if [ -f "$table" ]; then parts+=("${table%/utt2spk}"); fi
  done
}

# train_model CONFIG RUN: trains, or goes on training.
train_model() {
  needs "$data/train/utt2spk" 1
  needs "$data/valid/utt2spk" 1
  set_aside "$1" "$2"
  $train_cmd vqspeech train vqvae "$1" --train "$data/train" --valid "$data/valid" \
    --out "$2" --resume auto --device "$device"
}

# encode_parts MODEL FOLDER: the codes of every data directory, in FOLDER; ends the stage.
encode_parts() {
  local part made=()
  needs "$1/config.json" 3
  needs "$data/train/utt2spk" 1
  list_parts
  for part in "${parts[@]}"; do
    part="${part##*/}"
    vqspeech encode "$data/$part" --out "$2/$part" --model "$1" --device "$device"
    made+=("$part/codes.npy")
  done
  stage_done "${made[@]}"
}

# set_aside CONFIG RUN: a run of other settings or data is kept beside, for it may have taken days.
# How long it runs and how often it tells may change while it goes on.
set_aside() {
  local inputs free='steps|threads|precision|keep_checkpoints|validation_seconds|[a-z]*_every'
  inputs="$({ settings_in "$1" | grep -vE "^ *($free):" && tables_of "$data/train" "$data/valid"; } | checksums)"
  if [ -f "$2/.inputs" ] && [ "$(cat "$2/.inputs")" != "$inputs" ]; then
    # Not by mv: another process may be training there, and its lock must be heeded.
    python - "$2" << 'END'
import sys
from pathlib import Path
from vqspeech.errors import VQSpeechError
from vqspeech.files import directory_lock
run = Path(sys.argv[1])
free = next(n for n in range(1, 10**6) if not run.with_name(f"{run.name}.{n}").exists())
try:
    with directory_lock(run):
        run.rename(run.with_name(f"{run.name}.{free}"))
except VQSpeechError as error:
    print(f"error: {error}", file=sys.stderr)
    sys.exit(error.exit_code)
print(f"note: {run}: a run of other settings or data, now {run.name}.{free}", file=sys.stderr)
END
  fi
  mkdir -p "$2"
  printf '%s\n' "$inputs" > "$2/.inputs"
}

# convert_to FOLDER: says the recording $src in the voices of $speakers; ends the stage.
convert_to() {
  local targets=() made=() speaker file
  for speaker in $speakers; do targets+=(--speaker "$speaker"); done
  vqspeech convert --src "$src" "${targets[@]}" --model "$model" --out "$1" --overwrite \
    --device "$device"
  for file in "$1"/*.wav; do made+=("${file##*/}"); done
  stage_done "${made[@]}"
}

# choose_recording: sets `src` to the packaged recording of a person, unless one was given.
choose_recording() {
  if [ -z "$src" ]; then src="$root/vqspeech/assets/recording/librivox.flac"; fi
}
