#!/usr/bin/env bash
# LibriSpeech (section 4.3): 128 samples a code for a prior, 640 samples and 128 codes for phonemes.
# The speaker is the reader. The paper's "460 speakers" are most likely the 460 hours of train-clean-460.
set -euo pipefail

recipe="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
stage=0
stop_stage=9
corpus=""     # LibriSpeech/ or the folder above it; without it stage 0 fetches the corpus
subsets=""    # train-clean-460 (100 and 360 hours), dev-clean, test-clean: what is there of them
readers=""    # as many of those to train on, 460 for example; all without it
alignments="" # a folder of TextGrids; LibriSpeech-alignments in or beside the corpus, if there
config=""     # conf/vqvae.yaml with a GPU, else conf/tiny.yaml; NAME_25hz.yaml stands beside
out="$recipe" # corpus/, data/ and exp/ go here
nj=4
ngpu=""       # 0 or 1; without it as --device says
device=auto
speakers=""   # to convert to: the first woman and the first man
src=""        # a recording to convert; the packaged one without it

help_message="Usage: $0 [--corpus LIBRISPEECH] [--subsets 'NAME ...'] [--readers N] [--stage N]
       [--stop-stage N] [--config conf/NAME.yaml] [--out DIR] [--alignments DIR] [--nj N]
       [--ngpu 0|1] [--device auto|cpu|cuda:0] [--speakers 'ID ...'] [--src RECORDING]
Stages: 0 corpus (30 GB, fetched without --corpus)  1 data directories  2 alignments
        3 VQ-VAEs of 125 and 25 codes a second  4 codes  5 phoneme analysis  6 prior  7 conversion
        8 unconditional samples  9 report
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
  # shellcheck disable=SC2086  # a list of names
  "$recipe/local/download.sh" "$out/corpus" ${subsets:-train-clean-460 dev-clean test-clean}
fi
corpus="${corpus:-$out/corpus/LibriSpeech}"
if [ -z "$subsets" ]; then
  # Whoever has a part of what the paper took goes on with that part; of anything else, with all.
  for subset in train-clean-100 train-clean-360 dev-clean test-clean; do
    if [ -d "$corpus/$subset" ] || [ -d "$corpus/LibriSpeech/$subset" ]; then
      subsets="$subsets $subset"
    fi
  done
  subsets="${subsets# }"
  subsets="${subsets/train-clean-100 train-clean-360/train-clean-460}"
fi
for folder in "$corpus/../LibriSpeech-alignments" "$corpus/LibriSpeech-alignments"; do
  if [ -z "$alignments" ] && [ -d "$folder" ]; then alignments="$folder"; fi
done

if stage_runs 1 "data directories" "$data" "$(place_of "$corpus")" "$subsets" "$readers"; then
  needs_corpus "train-clean-100/, dev-clean/ or other subsets"
  vqspeech prepare librispeech "$corpus" "$data" ${subsets:+--subsets "$subsets"} \
    ${readers:+--readers "$readers"} --nj "$nj"
  validate_parts
fi

if can_align && stage_runs 2 "alignments" "$data" "${alignments:+$(place_of "$alignments")}" \
  "$(tables_of_parts)"; then
  align_parts
fi

if asked 3; then
  choose_config
  config_25hz="${config%.yaml}_25hz.yaml"
  if [ ! -f "$config_25hz" ]; then
    echo "error: $config_25hz: no such file; the settings of the model of 25 codes a second stand" \
      "beside those of --config" >&2
    exit 3
  fi
fi
spoken="$(tables_of "$data/train" "$data/valid")"
if stage_runs 3 "VQ-VAE, 125 codes a second" "$exp/vqvae" "$(settings_in "$config")" "$spoken"; then
  train_model "$config" "$exp/vqvae"
  stage_done best/config.json
fi
if stage_runs 3 "VQ-VAE, 25 codes a second" "$exp/vqvae_25hz" \
  "$(settings_in "${config_25hz:-}")" "$spoken"; then
  train_model "$config_25hz" "$exp/vqvae_25hz"
  stage_done best/config.json
fi

if stage_runs 4 "codes, 125 a second" "$exp/codes" "$(codes_of "$model")"; then
  encode_parts "$model" "$exp/codes"
fi
if stage_runs 4 "codes, 25 a second" "$exp/codes_25hz" "$(codes_of "$exp/vqvae_25hz/best")"; then
  encode_parts "$exp/vqvae_25hz/best" "$exp/codes_25hz"
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
