#!/usr/bin/env bash
# VCTK (section 4.3 of the paper): 64 samples a code, 512 codes, conversion among its speakers.
# Takes release 0.80 (wav48/) or 0.92 (wav48_silence_trimmed/, microphone 1).
set -euo pipefail
unset CDPATH

recipe="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
corpus=""             # the folder that VCTK was unpacked to; without it stage 0 fetches the corpus, 11 GB
stage=0               # the first stage to run
stop_stage=9          # the last one
config=""             # the settings; without it conf/vqvae.yaml for a GPU, else conf/tiny.yaml
out="$recipe"         # corpus/, data/ and exp/ go here
alignments=""         # a folder of TextGrids for stage 2; without it an aligner makes the phones
nj=4                  # files at a time
ngpu=""               # to train on, 0 or 1; without it as --device says
device=auto           # auto, cpu or cuda:0
speakers=""           # 'ID ...' to convert to; without it the first woman and the first man
src=""                # a recording to convert; without it the packaged one
likelihood_seconds=10 # of each part's audio that stage 6 scores as a waveform
spoken_seconds=0      # of samples that stage 6 speaks and hears words in; 0: none, for it is slow

help_message="Usage: $0 [--OPTION VALUE]...
Stages: 0 corpus  1 data directories  2 alignments  3 VQ-VAE  4 codes  5 phoneme analysis  6 prior
        7 conversion  8 unconditional samples  9 report
        A stage that was done before with the same inputs is skipped.
Options, with their defaults:"

# shellcheck source=../parse_options.sh
. "$recipe/../parse_options.sh"
# shellcheck source=../path.sh
. "$recipe/../path.sh"
# shellcheck source=../cmd.sh
. "$recipe/../cmd.sh"
# shellcheck source=../stages.sh
. "$recipe/../stages.sh"
# shellcheck source=../corpora.sh
. "$recipe/../corpora.sh"
# shellcheck source=../analysis.sh
. "$recipe/../analysis.sh"
# shellcheck source=../prior.sh
. "$recipe/../prior.sh"

data="$out/data"
exp="$out/exp"
model="$exp/vqvae/best"

corpus_stage "$out/corpus/VCTK-Corpus-0.92" "$recipe/local/download.sh" "$out/corpus"

if stage_runs 1 "data directories" "$data" "$(place_of "$corpus")"; then
  needs_corpus "wav48_silence_trimmed/ or wav48/"
  stage_begins
  vqspeech prepare vctk "$corpus" "$data" --nj "$nj"
  validate_parts
fi

align_stage

if asked 3 || asked 6; then choose_config; fi
train_stage 3 "VQ-VAE" "$config" "$exp/vqvae"

codes_stage 4 "codes" "$model" "$exp/codes"

phonemes_stage 5 "phoneme analysis" "$exp/codes" "$model" "$exp/analysis" train
prior_stage 6 "$config" "$exp/codes" "$model" "$exp/prior" "$exp/analysis"

if asked 7; then choose_speakers; fi
conversion_stage 7 "$model" "$exp/converted"

samples_stage 8 "$config" "$model" "$exp/prior" "$exp/samples"
report_stage 9 "report" "$exp/vqvae" "$exp/codes" "$exp/analysis" "$exp/report" "$exp/prior"
