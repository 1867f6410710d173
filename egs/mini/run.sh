#!/usr/bin/env bash
# The embedded corpus from start to end: 8 synthetic voices, a small model, minutes on two cores.
set -euo pipefail

recipe="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
stage=1
stop_stage=9
config=conf/vqvae.yaml
out="$recipe" # data/ and exp/ go here
nj=2
device=auto
speakers="p901 p907" # a woman and a man to convert to
src=""               # a recording to convert; the packaged one without it

help_message="Usage: $0 [--stage N] [--stop-stage N] [--config conf/NAME.yaml] [--out DIR] [--nj N]
       [--device auto|cpu|cuda:0] [--speakers 'ID ...'] [--src RECORDING]
Stages: 1 data directories  3 VQ-VAE  4 codes  7 conversion
        A stage that was done before with the same inputs is skipped."

# shellcheck source=../path.sh
. "$recipe/../path.sh"
# shellcheck source=../cmd.sh
. "$recipe/../cmd.sh"
# shellcheck source=../parse_options.sh
. "$recipe/../parse_options.sh"
# shellcheck source=../stages.sh
. "$recipe/../stages.sh"

data="$out/data"
exp="$out/exp"
model="$exp/vqvae/best"

corpus="$root/vqspeech/assets/mini"
if stage_runs 1 "data directories" "$data" "$(content_of "$corpus/split.tsv" "$corpus/text")"; then
  vqspeech prepare mini "$data" --nj "$nj"
  for part in train valid test; do vqspeech validate "$data/$part"; done
  stage_done train/utt2spk valid/utt2spk test/utt2spk
fi

if stage_runs 3 "VQ-VAE" "$exp/vqvae" "$(settings_in "$config")" \
  "$(tables_of "$data/train" "$data/valid")"; then
  train_model "$config" "$exp/vqvae"
  stage_done best/config.json
fi

if stage_runs 4 "codes" "$exp/codes" "$(codes_of "$model")"; then
  encode_parts "$model" "$exp/codes"
fi

choose_recording
if stage_runs 7 "conversion" "$exp/converted" "$(content_of "$model/MANIFEST.json" "$src")" \
  "${src##*/}" "$speakers"; then
  needs "$model/config.json" 3
  convert_to "$exp/converted"
fi
