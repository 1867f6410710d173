#!/usr/bin/env bash
# Sourced by the recipes after stages.sh: what the codes mean, and the page about a run.
# shellcheck disable=SC2154  # the options are run.sh's own

# phonemes_stage N NAME CODES MODEL OUT FIT...: CODES/* against their phones; the map is fitted on the
# first part of FIT that is aligned, and scored on every other part but those that were trained with
# and the sentences that all speakers share.
# OUT/mapping.json is the map, OUT/PART/*.json are the numbers, OUT/kmeans/* the codes of the baseline.
phonemes_stage() {
  local codes="$3" into="$5" fit="" part folder scored=() aligned=() inputs=() made=(mapping.json)
  asked "$1" || return 0
  for folder in "$codes"/*/phones.ctm; do
    if [ -f "$folder" ]; then aligned+=("$(basename "$(dirname "$folder")")"); fi
  done
  for part in "${@:6}"; do
    if [ -z "$fit" ] && [ -f "$codes/$part/phones.ctm" ]; then fit="$part"; fi
  done
  for part in ${aligned[@]+"${aligned[@]}"}; do
    case "$part" in "$fit" | train | valid | parallel) ;; *) scored+=("$part") ;; esac
  done
  if { [ -z "$fit" ] || [ ${#scored[@]} -eq 0 ]; } && [ -f "$codes/train/codes.json" ]; then
    leave_out "$1" "$2" 3 "of $codes not both a part to fit on (${*:6}) and another is aligned;" \
      "stage 2 aligns"
    return 0
  fi
  for part in "$fit" ${scored[@]+"${scored[@]}"}; do
    inputs+=("$part $(content_of "$codes/$part"/{codes.npy,utt2codes,codes.json,utt2spk,phones.ctm})")
  done
  stage_runs "$1" "$2" "$into" "${inputs[@]}" || return 0
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

# report_stage N NAME RUN CODES ANALYSIS OUT: the page OUT/report.html about RUN, its codes and what was
# measured of them; utterances to look at and listen to are of a part that was not trained with, if
# its audio is there.
report_stage() {
  local part heard=valid
  asked "$1" || return 0
  for part in "$5"/*/phonemes.json; do
    if [ -f "$part" ] && [ "$heard" = valid ]; then heard="$(basename "$(dirname "$part")")"; fi
  done
  stage_runs "$1" "$2" "$6" "$(content_of "$3"/{best/MANIFEST.json,log.jsonl} "$4"/*/codes.npy)" \
    "$(content_of "$5"/*/*.json)" "$heard" || return 0
  needs "$3/best/config.json" 3
  stage_begins
  if [ -f "$data/$heard/wav.scp" ]; then
    vqspeech report "$3" --data "$data/$heard" --out "$6/report.html"
  else
    vqspeech report "$3" --out "$6/report.html"
  fi
  stage_done report.html
}
