#!/usr/bin/env bash
# Sourced by the recipes after stages.sh: which code follows which, how likely that makes speech that
# was held out, and speech that nobody said.
# shellcheck disable=SC2154  # the options are run.sh's own

# prior_settings CONFIG: the settings of the prior over the codes of CONFIG's model, beside it.
prior_settings() {
  case "${1##*/}" in
    vqvae.yaml) echo "${1%vqvae.yaml}prior.yaml" ;;
    *) echo "${1%.yaml}_prior.yaml" ;;
  esac
}

# prior_stage N CONFIG CODES MODEL RUN ANALYSIS: trains the prior RUN on CODES/train, or goes on, then
# measures it; a run on codes of another model is refused.
prior_stage() {
  local settings
  asked "$1" || return 0
  settings="$(prior_settings "$2")"
  if [ ! -f "$settings" ]; then
    leave_out "$1" "prior" 3 "$settings, the settings of the prior, is missing; write it"
    return 0
  fi
  if stage_runs "$1" "prior" "$5" "$(settings_in "$settings")" \
    "$(content_of "$3"/{train,valid}/{codes.npy,utt2codes,codes.json,utt2spk})"; then
    needs "$3/train/codes.json" 4
    needs "$3/valid/codes.json" 4
    $train_cmd vqspeech train prior "$settings" --train "$3/train" --valid "$3/valid" --out "$5" \
      --resume auto --device "$device"
    stage_done best/config.json
  fi
  measure_prior "$1" "${@:3}"
}

# measure_prior N CODES MODEL RUN ANALYSIS: what parts cost that neither prior nor model was trained
# with, as codes and as waveforms (ANALYSIS/PART/likelihood.json); where stage 5 made a map, also
# which phones the prior's own codes are (samples.json). Sentences that all speakers share are left
# out: others of their speakers were trained with.
measure_prior() {
  local codes="$2" model="$3" prior="$4/best" into="$5" part folder
  local held=() inputs=() made=() speaks
  for folder in "$codes"/*/codes.json; do
    part="$(basename "$(dirname "$folder")")"
    case "$part" in train | valid | parallel | "*") ;; *) held+=("$part") ;; esac
  done
  if [ ${#held[@]} -eq 0 ]; then
    echo "$codes has no part but those that were trained with: likelihoods are not measured"
    return 0
  fi
  for part in train valid "${held[@]}"; do
    inputs+=("$part $(content_of "$codes/$part"/{codes.npy,utt2codes,codes.json,utt2spk})")
  done
  inputs+=("$(content_of "$model/MANIFEST.json" "$prior/MANIFEST.json" "$into/mapping.json")")
  stage_runs "$1" "likelihoods" "$into" "${inputs[@]}" "$likelihood_seconds" "$spoken_seconds" ||
    return 0
  needs "$model/config.json" 3
  for part in "${held[@]}"; do needs "$data/$part/wav.scp" 1; done
  stage_begins
  for part in "${held[@]}"; do
    folder="$into/$part" speaks=()
    if [ "$spoken_seconds" != 0 ]; then
      speaks=(--data "$data/$part" --spoken-seconds "$spoken_seconds")
    fi
    $train_cmd vqspeech analyze likelihood "$codes/$part" --prior "$prior" --fit-on "$codes/train" \
      --tune-on "$codes/valid" --data "$data/$part" --model "$model" --seconds "$likelihood_seconds" \
      --device "$device" --json "$folder/likelihood.json"
    made+=("$part/likelihood.json")
    if [ -f "$into/mapping.json" ] && [ -f "$folder/phonemes.json" ]; then
      $train_cmd vqspeech analyze samples "$codes/$part" --prior "$prior" --model "$model" \
        --map "$into/mapping.json" --fit-on "$codes/train" --tune-on "$codes/valid" \
        --device "$device" ${speaks[@]+"${speaks[@]}"} --json "$folder/samples.json"
      made+=("$part/samples.json")
    else
      echo "$part was not scored against phones: those of samples are not measured there"
    fi
  done
  stage_done "${made[@]}"
}

# samples_stage N CONFIG MODEL RUN OUT: speech drawn from the prior RUN, in the voices of the model.
samples_stage() {
  local settings made=() file
  asked "$1" || return 0
  settings="$(prior_settings "$2")"
  if [ -n "$2" ] && [ ! -f "$settings" ] && [ ! -e "$4" ]; then
    leave_out "$1" "unconditional samples" 3 \
      "there is no prior, for want of $settings; write it and run stage 6"
    return 0
  fi
  stage_runs "$1" "unconditional samples" "$5" \
    "$(content_of "$3/MANIFEST.json" "$4/best/MANIFEST.json")" || return 0
  needs "$3/config.json" 3
  needs "$4/best/config.json" 6
  stage_begins
  rm -f "$5"/sample-*.{wav,npz} "$5/samples.png" # of another prior
  $train_cmd vqspeech sample --prior "$4/best" --model "$3" --out "$5" --seconds 2.56 --count 8 \
    --overwrite --device "$device"
  for file in "$5"/sample-*.{wav,npz}; do made+=("${file##*/}"); done
  stage_done "${made[@]}"
}
