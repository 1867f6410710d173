#!/usr/bin/env bash
# VCTK (section 4.3 of the paper): 64 samples a code, 512 codes, conversion among its speakers.
# Takes release 0.80 (wav48/) or 0.92 (wav48_silence_trimmed/, microphone 1).
set -euo pipefail

recipe="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
stage=0
stop_stage=9
corpus=""     # the folder that VCTK was unpacked to; without it stage 0 fetches the corpus
alignments="" # a folder of TextGrids; without it an aligner makes the phones
config=""     # conf/vqvae.yaml with a GPU, else conf/tiny.yaml
out="$recipe" # corpus/, data/ and exp/ go here
nj=4
ngpu=""       # 0 or 1; without it as --device says
device=auto
speakers=""   # to convert to: the first woman and the first man
src=""        # a recording to convert; the packaged one without it

help_message="Usage: $0 [--corpus VCTK] [--stage N] [--stop-stage N] [--config conf/NAME.yaml]
       [--out DIR] [--alignments DIR] [--nj N] [--ngpu 0|1] [--device auto|cpu|cuda:0]
       [--speakers 'ID ...'] [--src RECORDING]
Stages: 0 corpus (11 GB, fetched without --corpus)  1 data directories  2 alignments  3 VQ-VAE
        4 codes  5 phoneme analysis  6 prior  7 conversion  8 unconditional samples  9 report
        5, 6, 8 and 9 are not built yet. A stage that was done before with the same inputs is skipped."

# shellcheck source=../path.sh
. "$recipe/../path.sh"
# shellcheck source=../cmd.sh
. "$recipe/../cmd.sh"
# shellcheck source=../parse_options.sh
. "$recipe/../parse_options.sh"
# shellcheck source=../stages.sh
. "$recipe/../stages.sh"
# shellcheck source=../corpora.sh
. "$recipe/../corpora.sh"

data="$out/data"
exp="$out/exp"
model="$exp/vqvae/best"

if [ -n "$corpus" ]; then
  if asked 0; then echo "== stage 0: corpus: $corpus was given"; fi
elif stage_runs 0 "corpus"; then
  "$recipe/local/download.sh" "$out/corpus"
fi
corpus="${corpus:-$out/corpus/VCTK-Corpus-0.92}"

if stage_runs 1 "data directories" "$data" "$(place_of "$corpus")"; then
  needs_corpus "wav48_silence_trimmed/ or wav48/"
  vqspeech prepare vctk "$corpus" "$data" --nj "$nj"
  validate_parts
fi

if can_align && stage_runs 2 "alignments" "$data" "${alignments:+$(place_of "$alignments")}" \
  "$(tables_of_parts)"; then
  align_parts
fi

if asked 3; then choose_config; fi
if stage_runs 3 "VQ-VAE" "$exp/vqvae" "$(settings_in "$config")" \
  "$(tables_of "$data/train" "$data/valid")"; then
  train_model "$config" "$exp/vqvae"
  stage_done best/config.json
fi

if stage_runs 4 "codes" "$exp/codes" "$(codes_of "$model")"; then
  encode_parts "$model" "$exp/codes"
fi

stage_missing 5 "phoneme analysis" "analyze phonemes"
stage_missing 6 "prior" "train prior"

if asked 7; then choose_recording && choose_speakers; fi
if stage_runs 7 "conversion" "$exp/converted" "$(content_of "$model/MANIFEST.json" "$src")" \
  "${src##*/}" "$speakers"; then
  needs "$data/train/utt2spk" 1
  needs "$model/config.json" 3
  convert_to "$exp/converted"
fi

stage_missing 8 "unconditional samples" "sample"
stage_missing 9 "report" "report"
