#!/usr/bin/env bash
# How the packaged model and its prior were made: from a corpus laid out like the embedded one, with many
# voices, to scores, cards and vqspeech/assets/{models,priors}/mini. Hours on two cores; stopped, it goes on.
set -euo pipefail
unset CDPATH

recipe="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
corpus=""                  # audio/SPEAKER/UTTERANCE.opus, text, split.tsv, speakers.tsv, phones.ctm
people=""                  # a folder of recordings of people, one a file, and perhaps speakers.tsv: heard in
                           # training, all but 50 of them, whose conversions are scored
voices='p9*'               # who is shared, not the people
through=vocoder            # by what the model speaks unless told
stage=1                    # the first stage to run
stop_stage=9               # the last one
config=conf/packaged.yaml  # the settings; those of the prior are NAME_prior.yaml beside it
out="$recipe/exp/packaged" # data/ and vqvae/ go here
target="$recipe/../../vqspeech/assets/models/mini" # where the model goes
prior_target="$recipe/../../vqspeech/assets/priors/mini" # and its prior
seconds=120                # of audio for the likelihood of each part
pairs=48                   # conversions that are scored, of each part
wavenet_pairs=16           # and of the other way to speak
nj=2                       # files at a time

help_message="Usage: $0 --corpus DIR [--OPTION VALUE]...
Stages: 1 data directories  3 VQ-VAE  5 likelihoods  6 prior  7 conversions (needs vqspeech[evaluate])
        8 likelihoods of the prior  9 export
Options, with their defaults:"

# shellcheck source=../parse_options.sh
. "$recipe/../parse_options.sh"
# shellcheck source=../path.sh
. "$recipe/../path.sh"
# shellcheck source=../cmd.sh
. "$recipe/../cmd.sh"
# shellcheck source=../stages.sh
. "$recipe/../stages.sh"

data="$out/data"
model="$out/model"
scores="$out/scores"
codes="$out/codes"
prior_scores="$out/prior-scores"

if stage_runs 1 "data directories"; then
  if [ ! -f "$corpus/split.tsv" ]; then
    fail 3 "--corpus '$corpus': no split.tsv in it; give a corpus laid out like vqspeech/assets/mini"
  fi
  vqspeech prepare mini "$corpus" "$data" --sample-rate 8000 --nj "$nj"
  # Three utterances that every installation has: tests compare the card's figure on them.
  vqspeech prepare mini "$out/embedded" --sample-rate 8000 --match 'p90[179]_001'
  if [ -n "$people" ]; then
    for file in "$people"/*.*; do # a folder for each, as for a corpus of speakers
      case "$file" in *.tsv | *.md | *.txt) continue ;; esac
      name="$(basename "${file%.*}")"
      mkdir -p "$out/people/$name"
      ln -sf "$(realpath "$file")" "$out/people/$name/"
    done
    vqspeech prepare folder "$out/people" "$data/people" --sample-rate 8000 --valid 0 --test 0 \
      --unseen 50 --nj "$nj"
    # The same 50 as files, with their sexes: they have no text, and are converted as recordings.
    mkdir -p "$out/people-unseen"
    cut -d' ' -f2 "$data/people/unseen/utt2spk" | sort -u | while read -r name; do
      ln -sf "$out/people/$name"/* "$out/people-unseen/"
    done
    if [ -f "$people/../speakers.tsv" ]; then cp "$people/../speakers.tsv" "$out/people-unseen/"; fi
  fi
fi

if stage_runs 3 "VQ-VAE"; then
  needs "$data/train/utt2spk" 1
  train=(--train "$data/train")
  if [ -d "$data/people/train" ]; then train+=(--train "$data/people/train"); fi
  $train_cmd vqspeech train vqvae "$config" "${train[@]}" --valid "$data/valid" \
    --out "$out/vqvae" --resume auto
fi

if stage_runs 5 "likelihoods"; then
  needs "$out/vqvae/best/config.json" 3
  # What is shared is scored, with its rounded weights.
  vqspeech export model "$out/vqvae" --out "$model" --speaker "$voices" --through "$through" \
    --measure-voices "$data/train" --temperature 0.7 --measure-speed --overwrite --about "$recipe/conf/packaged.md"
  mkdir -p "$scores"
  for part in test unseen; do
    [ -d "$data/$part" ] || continue # a corpus need not hold voices back
    vqspeech evaluate likelihood "$data/$part" --model "$model" --seconds "$seconds" --json \
      > "$scores/$part.json"
  done
  vqspeech evaluate likelihood "$out/embedded/test" --name embedded --model "$model" --json \
    > "$scores/embedded.json"
fi

if stage_runs 6 "prior"; then
  needs "$model/config.json" 5
  train=(--train "$codes/train")
  parts=(train valid test)
  if [ -d "$data/unseen" ]; then parts+=(unseen); fi
  for part in "${parts[@]}"; do
    vqspeech encode "$data/$part" --model "$model" --out "$codes/$part"
  done
  if [ -d "$data/people/train" ]; then
    vqspeech encode "$data/people/train" --model "$model" --out "$codes/people-train"
    vqspeech encode "$data/people/unseen" --model "$model" --out "$codes/people"
    train+=(--train "$codes/people-train")
  fi
  $train_cmd vqspeech train prior "${config%.yaml}_prior.yaml" "${train[@]}" --valid "$codes/valid" \
    --out "$out/prior" --resume auto
fi

if stage_runs 7 "conversions"; then
  needs "$model/config.json" 5
  score=(vqspeech evaluate conversion --model "$model" --targets "$data/test")
  for part in test unseen people; do
    from=(--data "$data/$part")
    if [ "$part" = people ]; then from=(--recordings "$out/people-unseen" --name people); fi
    [ -e "${from[1]}" ] || continue # a corpus need not hold voices back
    "${score[@]}" "${from[@]}" --count "$pairs" --json "$scores/$part-conversions.json"
  done
  # The other way to speak, on the first pairs of the same list.
  head -n "$wavenet_pairs" "$scores/test-conversions-pairs.tsv" > "$out/wavenet-pairs.tsv"
  "${score[@]}" --data "$data/test" --pairs "$out/wavenet-pairs.tsv" --through wavenet \
    --json "$out/wavenet-conversions.json"
  vqspeech evaluate reconstruction --model "$model" --data "$data/test" --count 24 --no-quality \
    --json "$out/reconstruction.json"
fi

if stage_runs 8 "likelihoods of the prior"; then
  needs "$out/prior/best/config.json" 6
  fit=(--fit-on "$codes/train")
  if [ -d "$codes/people-train" ]; then fit+=(--fit-on "$codes/people-train"); fi
  # What is shared is scored here too.
  vqspeech export prior "$out/prior" --out "$out/prior-model" --overwrite \
    --about "$recipe/conf/packaged_prior.md"
  for part in test unseen people; do
    [ -d "$codes/$part" ] || continue # a corpus need not hold voices back
    more=()
    if [ "$part" != people ]; then more=(--data "$data/$part" --seconds "$seconds"); fi
    vqspeech analyze likelihood "$codes/$part" --prior "$out/prior-model" --model "$model" \
      "${fit[@]}" --tune-on "$codes/valid" ${more[@]+"${more[@]}"} \
      --json "$prior_scores/$part/likelihood.json"
  done
  # Two codes a frame are 65,536 symbols, too many for a map to phones: samples are only listened to.
  vqspeech sample --prior "$out/prior-model" --model "$model" --count 8 --out "$out/samples" --overwrite
fi

if stage_runs 9 "export"; then
  needs "$scores/embedded.json" 5
  arguments=()
  for file in "$scores"/*.json; do arguments+=(--scores "$file"); done
  vqspeech export model "$model" --out "$target" --overwrite --about "$recipe/conf/packaged.md" "${arguments[@]}"
  if [ -f "$prior_scores/test/likelihood.json" ]; then
    arguments=()
    for file in "$prior_scores"/*/likelihood.json; do arguments+=(--scores "$file"); done
    vqspeech export prior "$out/prior-model" --out "$prior_target" --overwrite "${arguments[@]}"
  fi
fi
