#!/usr/bin/env bash
# VCTK (section 4.3 of the paper): 64 samples a code, 512 codes, conversion among its speakers.
# Takes release 0.80 (wav48/) or 0.92 (wav48_silence_trimmed/, microphone 1).
set -euo pipefail

recipe="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
stage=1
stop_stage=9
corpus=""
config=conf/vqvae.yaml
out="$recipe" # data/ and exp/ go here
nj=4
device=auto
speakers="p225 p226" # a woman and a man to convert to
src=""               # a recording to convert; the packaged one without it

help_message="Usage: $0 --corpus VCTK [--stage N] [--stop-stage N] [--config conf/NAME.yaml]
       [--out DIR] [--nj N] [--device auto|cpu|cuda:0] [--speakers 'ID ...'] [--src RECORDING]
Stages: 1 data directories  3 VQ-VAE  4 codes  7 conversion"

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

if stage_runs 1 "data directories"; then
  held_out=(--valid 2 --test 2 --nj "$nj") # of each speaker
  if [ -d "$corpus/wav48_silence_trimmed" ]; then
    vqspeech prepare folder "$corpus/wav48_silence_trimmed" "$data" --match '*_mic1.flac' "${held_out[@]}"
  elif [ -d "$corpus/wav48" ]; then
    vqspeech prepare folder "$corpus/wav48" "$data" "${held_out[@]}"
  else
    echo "error: --corpus '$corpus': neither wav48/ nor wav48_silence_trimmed/ is there;" \
      "give the folder that VCTK was unpacked to" >&2
    exit 3
  fi
fi

if stage_runs 3 "VQ-VAE"; then
  needs "$data/train/utt2spk" 1
  $train_cmd vqspeech train vqvae "$config" --train "$data/train" --valid "$data/valid" \
    --out "$exp/vqvae" --resume auto --device "$device"
fi

if stage_runs 4 "codes"; then
  needs "$model/config.json" 3
  for part in train valid test; do
    vqspeech encode "$data/$part" --out "$exp/codes/$part" --model "$model" --device "$device"
  done
fi

if stage_runs 7 "conversion"; then
  needs "$model/config.json" 3
  convert_to "$exp/converted"
fi
