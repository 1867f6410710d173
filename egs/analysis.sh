#!/usr/bin/env bash
# Sourced by the recipes after stages.sh: what the codes mean, and the page about a run.
# shellcheck disable=SC2154  # the options are run.sh's own

# chooses_parts N NAME CODES FIT...: sets `fit` to the first part of FIT that is aligned, `scored` to
# every other part that is but those that were trained with and the sentences that all speakers
# share, `parts_held` to what they hold; leaves stage N out where there are none.
chooses_parts() {
  local codes="$3" folder part
  fit="" scored=() parts_held=()
  for part in "${@:4}"; do
    if [ -z "$fit" ] && [ -f "$codes/$part/phones.ctm" ]; then fit="$part"; fi
  done
  for folder in "$codes"/*/phones.ctm; do
    part="$(basename "$(dirname "$folder")")"
    case "$part" in "$fit" | train | valid | parallel | "*") ;; *) scored+=("$part") ;; esac
  done
  if { [ -z "$fit" ] || [ ${#scored[@]} -eq 0 ]; } && [ -f "$codes/train/codes.json" ]; then
    leave_out "$1" "$2" 3 "of $codes not both a part to fit on (${*:4}) and another is aligned;" \
      "stage 2 aligns"
    return 1
  fi
  for part in "$fit" ${scored[@]+"${scored[@]}"}; do
    parts_held+=("$part $(content_of "$codes/$part"/{codes.npy,utt2codes,codes.json,utt2spk,phones.ctm})")
  done
}

# phonemes_stage N NAME CODES MODEL OUT FIT...: CODES/* against their phones; the map is fitted on one
# part and scored on others, as above.
# OUT/mapping.json is the map, OUT/PART/*.json are the numbers, OUT/kmeans/* the codes of the baseline.
phonemes_stage() {
  local codes="$3" into="$5" fit scored parts_held part folder made=(mapping.json)
  asked "$1" || return 0
  chooses_parts "${@:1:3}" "${@:6}" || return 0
  stage_runs "$1" "$2" "$into" "${parts_held[@]}" || return 0
  needs "$codes/train/codes.json" 4
  stage_begins
  folder="$codes/$fit"
  for part in train "$fit" "${scored[@]}"; do needs "$data/$part/wav.scp" 1; done
  vqspeech cluster "$data/$fit" "${scored[@]/#/$data/}" --train "$data/train" --like "$folder" \
    --out "$into/kmeans"
  for part in "${scored[@]}"; do
    vqspeech analyze phonemes "$codes/$part" --fit-on "$folder" --baseline "$into/kmeans/$part" \
      --baseline-fit-on "$into/kmeans/$fit" --save-map "$into/mapping.json" \
      --json "$into/$part/phonemes.json"
    vqspeech analyze codes "$codes/$part" --json "$into/$part/codes.json"
    $train_cmd vqspeech analyze stability "$data/$part" --model "$4" --device "$device" \
      --json "$into/$part/stability.json"
    made+=("$part/phonemes.json" "$part/codes.json" "$part/stability.json")
    if [ "$(cut -d ' ' -f 2 "$codes/$part/utt2spk" | sort -u | wc -l)" -gt 1 ]; then
      vqspeech analyze speakers "$codes/$part" --json "$into/$part/speakers.json"
      vqspeech analyze abx "$codes/$part" --model "$4" --json "$into/$part/abx.json"
      made+=("$part/speakers.json" "$part/abx.json")
    else
      echo "$part has one speaker: speakers and ABX are not measured there"
    fi
  done
  stage_done "${made[@]}"
}

# map_stage N NAME CODES OUT FIT...: of the above the map alone, OUT/mapping.json, and how well it reads
# (OUT/PART/phonemes.json): for codes that are to be spoken, whose samples are read as phones.
map_stage() {
  local codes="$3" into="$4" fit scored parts_held part made=(mapping.json)
  asked "$1" || return 0
  chooses_parts "${@:1:3}" "${@:5}" || return 0
  stage_runs "$1" "$2" "$into" "${parts_held[@]}" || return 0
  needs "$codes/train/codes.json" 4
  stage_begins
  for part in "${scored[@]}"; do
    vqspeech analyze phonemes "$codes/$part" --fit-on "$codes/$fit" \
      --save-map "$into/mapping.json" --json "$into/$part/phonemes.json"
    made+=("$part/phonemes.json")
  done
  stage_done "${made[@]}"
}

# report_stage N NAME RUN CODES ANALYSIS OUT [PRIOR]: the page OUT/report.html about RUN, its codes, what
# was measured of them and their prior, where there is one; utterances to look at and listen to are of
# a part that was not trained with, if its audio is there.
report_stage() {
  local part heard=valid prior=() more=()
  asked "$1" || return 0
  for part in "$5"/{test,*}/phonemes.json; do # the page shows codes of test, where there are some
    if [ -f "$part" ] && [ "$heard" = valid ]; then heard="$(basename "$(dirname "$part")")"; fi
  done
  if [ -n "${7-}" ]; then prior=("$7"/{best/MANIFEST.json,log.jsonl}); fi
  stage_runs "$1" "$2" "$6" "$(content_of "$3"/{best/MANIFEST.json,log.jsonl} "$4"/*/codes.npy)" \
    "$(content_of "$5"/*/*.json ${prior[@]+"${prior[@]}"})" "$heard" || return 0
  needs "$3/best/config.json" 3
  if [ -f "$data/$heard/wav.scp" ]; then more+=(--data "$data/$heard"); fi
  if [ -n "${7-}" ] && [ -f "$7/best/config.json" ]; then more+=(--prior "$7"); fi
  stage_begins
  vqspeech report "$3" ${more[@]+"${more[@]}"} --out "$6/report.html"
  stage_done report.html
}
