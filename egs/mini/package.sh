#!/usr/bin/env bash
# How the packaged model was made: from a corpus laid out like the embedded one, with many voices, to
# scores, model card and vqspeech/assets/models/mini. Hours on two cores; stopped, it goes on.
set -euo pipefail
unset CDPATH

recipe="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
corpus=""                  # audio/SPEAKER/UTTERANCE.opus, text, split.tsv, speakers.tsv, phones.ctm
people=""                  # a folder of people's recordings, only to score conversions of them
stage=1                    # the first stage to run
stop_stage=9               # the last one
config=conf/packaged.yaml  # the settings
out="$recipe/exp/packaged" # data/ and vqvae/ go here
target="$recipe/../../vqspeech/assets/models/mini" # where the model goes
seconds=240                # of audio for the likelihood of each part
pairs=48                   # conversions that are scored, of each part
nj=2                       # files at a time

help_message="Usage: $0 --corpus DIR [--OPTION VALUE]...
Stages: 1 data directories  3 VQ-VAE  5 likelihoods  7 conversions (needs resemblyzer)  9 export
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

if stage_runs 1 "data directories"; then
  if [ ! -f "$corpus/split.tsv" ]; then
    fail 3 "--corpus '$corpus': no split.tsv in it; give a corpus laid out like vqspeech/assets/mini"
  fi
  vqspeech prepare mini "$corpus" "$data" --sample-rate 8000 --nj "$nj"
  # Three utterances that every installation has: tests compare the card's figure on them.
  vqspeech prepare mini "$out/embedded" --sample-rate 8000 --match 'p90[179]_001'
fi

if stage_runs 3 "VQ-VAE"; then
  needs "$data/train/utt2spk" 1
  $train_cmd vqspeech train vqvae "$config" --train "$data/train" --valid "$data/valid" \
    --out "$out/vqvae" --resume auto
fi

if stage_runs 5 "likelihoods"; then
  needs "$out/vqvae/best/config.json" 3
  # What is shared is scored, with its rounded weights.
  vqspeech export model "$out/vqvae" --out "$model" --temperature 0.8 --overwrite --about "$recipe/conf/packaged.md"
  mkdir -p "$scores"
  for part in test unseen; do
    [ -d "$data/$part" ] || continue # a corpus need not hold voices back
    vqspeech evaluate likelihood "$data/$part" --model "$model" --seconds "$seconds" --json \
      > "$scores/$part.json"
  done
  vqspeech evaluate likelihood "$out/embedded/test" --name embedded --model "$model" --json \
    > "$scores/embedded.json"
fi

if stage_runs 7 "conversions"; then
  needs "$model/config.json" 5
  score=(python "$recipe/local/similarity.py" --model "$model" --targets "$data/test" --pairs "$pairs")
  for part in test unseen; do
    [ -d "$data/$part" ] || continue # a corpus need not hold voices back
    "${score[@]}" --sources "$data/$part" > "$scores/$part-conversions.json"
  done
  if [ -n "$people" ]; then
    "${score[@]}" --recordings "$people" --name people > "$scores/people-conversions.json"
  fi
fi

if stage_runs 9 "export"; then
  needs "$scores/embedded.json" 5
  arguments=()
  for file in "$scores"/*.json; do arguments+=(--scores "$file"); done
  vqspeech export model "$model" --out "$target" --overwrite --about "$recipe/conf/packaged.md" "${arguments[@]}"
fi
