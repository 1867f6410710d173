#!/usr/bin/env bash
# The embedded corpus from start to end: 8 synthetic voices, a small model, minutes on two cores.
# A larger corpus laid out alike, with --config conf/phonemes.yaml: the codes of section 4.3 as phones.
set -euo pipefail
unset CDPATH

recipe="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
corpus=""              # laid out like the embedded one, which is taken without it
stage=1                # the first stage to run
stop_stage=9           # the last one
config=conf/vqvae.yaml # the settings
out="$recipe"          # data/ and exp/ go here
nj=2                   # files at a time
device=auto            # auto, cpu or cuda:0
speakers="p901 p907"   # whom to convert to: a woman and a man
src=""                 # a recording to convert; without it the packaged one
likelihood_seconds=10  # of each part's audio that stage 6 scores as a waveform
spoken_seconds=0       # of samples that stage 6 speaks and hears words in; 0: none, for it is slow

help_message="Usage: $0 [--OPTION VALUE]...
Stages: 1 data directories  3 VQ-VAE  4 codes  5 phoneme analysis  6 prior  7 conversion
        8 unconditional samples  9 report
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
# shellcheck source=../analysis.sh
. "$recipe/../analysis.sh"
# shellcheck source=../prior.sh
. "$recipe/../prior.sh"

data="$out/data"
exp="$out/exp"
model="$exp/vqvae/best"
corpus="${corpus:-$root/vqspeech/assets/mini}"

if asked 0; then echo "== stage 0: corpus: it is in the package"; fi
if stage_runs 1 "data directories" "$data" "$(content_of "$corpus/split.tsv" "$corpus/text")"; then
  stage_begins
  vqspeech prepare mini "$corpus" "$data" --nj "$nj"
  validate_parts
fi
if asked 2; then echo "== stage 2: alignments: they come with the corpus"; fi

train_stage 3 "VQ-VAE" "$config" "$exp/vqvae"

codes_stage 4 "codes" "$model" "$exp/codes"

phonemes_stage 5 "phoneme analysis" "$exp/codes" "$model" "$exp/analysis" train
prior_stage 6 "$config" "$exp/codes" "$model" "$exp/prior" "$exp/analysis"

conversion_stage 7 "$model" "$exp/converted"

samples_stage 8 "$config" "$model" "$exp/prior" "$exp/samples"
report_stage 9 "report" "$exp/vqvae" "$exp/codes" "$exp/analysis" "$exp/report" "$exp/prior"
