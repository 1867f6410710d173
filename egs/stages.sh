#!/usr/bin/env bash
# Sourced by run.sh after the options: which stages run, which were done before, what they find.
# shellcheck disable=SC2154  # recipe, config, stage and the like are run.sh's own

if [ $# -gt 0 ]; then fail 2 "$1: options begin with --; see $0 --help"; fi
# From here on a relative path is the caller's; a path that begins with conf/ is the recipe's own.
case "$config" in conf/*) config="$recipe/$config" ;; esac
if [ -n "$config" ] && [ ! -f "$config" ]; then
  fail 3 "$config: no such settings file; give --config conf/NAME.yaml"
fi
for number in "$stage" "$stop_stage" "$nj"; do
  case "$number" in
    *[!0-9]* | ?????*) fail 2 "--stage $stage --stop-stage $stop_stage --nj $nj: numbers were wanted" ;;
  esac
done
if [ "$stage" -gt "$stop_stage" ] || [ "$stop_stage" -gt 9 ]; then
  fail 2 "--stage $stage --stop-stage $stop_stage: stages are 0 to 9, the first before the last"
fi
if [ "$nj" -eq 0 ]; then fail 2 "--nj 0: at least one file at a time was wanted"; fi

# asked N: whether stage N is among those that are to run.
asked() {
  [ "$stage" -le "$1" ] && [ "$stop_stage" -ge "$1" ]
}

# finds NAME [LAUNCHER]: whether `vqspeech doctor` does, where LAUNCHER starts it.
finds() {
  local status=0
  ${2-} vqspeech doctor "$1" > /dev/null || status=$?
  case "$status" in
    0) ;;
    4) return 1 ;;
    *) exit "$status" ;; # it has said why
  esac
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
    if [ -f "$file" ]; then cksum < "$file"; else echo "no ${file##*/}"; fi
  done
}

# speech_in 'MORE...' DATA...: who speaks where and how long, and what the tables MORE say.
speech_in() {
  local folder table
  for folder in "${@:2}"; do
    echo "${folder##*/}"
    for table in utt2spk wav.scp segments utt2dur $1; do content_of "$folder/$table"; done
  done
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
  if [ $# -gt 2 ]; then
    stamp="$3/.stage-$1"
    stamp_inputs="$(printf '%s\n' "${@:4}" | cksum)"
    if stamp_holds "$3"; then
      echo "== stage $1: $2: done before; remove $stamp to run it again"
      return 1
    fi
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

# stage_begins: from now on what is there may be half of one, half of the other.
stage_begins() {
  rm -f "$stamp"
}

# stage_done FILE...: stamps the stage, which made these files below the stamp's folder.
# The inputs are those that it began with: they may have changed meanwhile.
stage_done() {
  mkdir -p "${stamp%/*}"
  printf '%s\n' "$stamp_inputs" "$@" > "$stamp.new"
  mv "$stamp.new" "$stamp"
}

# leave_out N NAME STATUS WHY...: passes over a stage; one that was asked for alone fails.
leave_out() {
  asked "$1" || return 0
  if [ "$stage" -eq "$stop_stage" ]; then fail "$3" "stage $1: $2: ${*:4}"; fi
  echo "== stage $1: $2: left out, ${*:4}"
}

# needs FILE N: stops unless FILE is there, naming the stage that makes it.
needs() {
  [ -e "$1" ] || fail 3 "$1 is missing; stage $2 makes it: $0 --out $(printf %q "$out") --stage $2"
}

# list_parts: sets `parts` to the data directories that stage 1 made, however many the corpus has.
# Where it may be empty it is written ${parts[@]+...}: an empty array is an unset one to older shells.
list_parts() {
  local table
  parts=()
  for table in "$data"/*/utt2spk; do
    if [ -f "$table" ]; then parts+=("${table%/utt2spk}"); fi
  done
}

# validate_parts: checks every data directory that was made; ends stage 1.
validate_parts() {
  local part made=(audio prepared.json)
  list_parts
  for part in "${parts[@]}"; do
    vqspeech validate "$part"
    made+=("${part##*/}/utt2spk" "${part##*/}/wav.scp")
  done
  stage_done "${made[@]}"
}

# train_stage N NAME CONFIG RUN: trains or goes on; a run of another model or data is refused.
train_stage() {
  asked "$1" || return 0
  stage_runs "$1" "$2" "$4" "$(settings_in "$3")" \
    "$(speech_in "" "$data/train" "$data/valid")" || return 0
  needs "$data/train/utt2spk" 1
  needs "$data/valid/utt2spk" 1
  $train_cmd vqspeech train vqvae "$3" --train "$data/train" --valid "$data/valid" \
    --out "$4" --resume auto --device "$device"
  stage_done best/config.json
}

# codes_stage N NAME MODEL FOLDER: the codes of every data directory, with its texts and phones.
codes_stage() {
  local part made=()
  asked "$1" || return 0
  list_parts
  stage_runs "$1" "$2" "$4" "$(content_of "$3/MANIFEST.json")" \
    "$(speech_in "text phones.ctm" ${parts[@]+"${parts[@]}"})" || return 0
  needs "$3/config.json" 3
  needs "$data/train/utt2spk" 1
  stage_begins
  for part in "${parts[@]##*/}"; do
    $train_cmd vqspeech encode "$data/$part" --out "$4/$part" --model "$3" --device "$device"
    made+=("$part/codes.npy" "$part/utt2codes")
  done
  stage_done "${made[@]}"
}

# conversion_stage N MODEL FOLDER: says $src, or the packaged recording, in the voices of $speakers.
conversion_stage() {
  local targets=() made=() speaker file
  asked "$1" || return 0
  src="${src:-$root/vqspeech/assets/recording/librivox.flac}"
  if [ ! -f "$src" ]; then fail 3 "--src $src: no such file; give a recording"; fi
  if [ "$(dirname "$src")" -ef "$3" ]; then
    fail 2 "--src $src: lies among earlier results, which will be removed; copy it elsewhere"
  fi
  stage_runs "$1" "conversion" "$3" "$(content_of "$2/MANIFEST.json" "$src")" \
    "${src##*/}" "$speakers" || return 0
  needs "$2/config.json" 3
  set -f # a speaker is no pattern
  for speaker in $speakers; do targets+=(--speaker "$speaker"); done
  set +f
  stage_begins
  rm -f "$3"/*.wav # of another model or recording
  $train_cmd vqspeech convert --src "$src" "${targets[@]}" --model "$2" --out "$3" --overwrite \
    --device "$device"
  for file in "$3"/*.wav; do made+=("${file##*/}"); done
  stage_done "${made[@]}"
}
