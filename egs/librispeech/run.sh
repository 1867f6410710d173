#!/usr/bin/env bash
# LibriSpeech (section 4.3): 128 samples a code for a prior, 640 samples and 128 codes for phonemes.
# The speaker is the reader. The paper's "460 speakers" are most likely the 460 hours of train-clean-460.
set -euo pipefail
unset CDPATH

recipe="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
corpus=""             # LibriSpeech/ or the folder above; without it stage 0 fetches the corpus, 30 GB
subsets=""            # 'NAME ...'; without it train-clean-460, dev-clean, test-clean, or else all there is
readers=""            # as many of those to train on, 460 for example; without it all
stage=0               # the first stage to run
stop_stage=9          # the last one
models="125hz 25hz"   # of 125 codes a second, for a prior and voices, and of 25, for phonemes; or one
config=""             # conf/NAME.yaml, for 25hz NAME_25hz.yaml; without it vqvae for a GPU, else tiny
out="$recipe"         # corpus/, data/ and exp/ go here
alignments=""         # TextGrids; without it LibriSpeech-alignments by the corpus, else an aligner
nj=4                  # files at a time
ngpu=""               # to train on, 0 or 1; without it as --device says
device=auto           # auto, cpu or cuda:0
speakers=""           # 'ID ...' to convert to; without it the first woman and the first man
src=""                # a recording to convert; without it the packaged one
likelihood_seconds=10 # of each part's audio that stage 6 scores as a waveform
spoken_seconds=0      # of samples that stage 6 speaks and hears words in; 0: none, for it is slow

help_message="Usage: $0 [--OPTION VALUE]...
Stages: 0 corpus  1 data directories  2 alignments  3 VQ-VAEs  4 codes  5 phoneme analysis  6 prior
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

case " $models " in
  " 125hz " | " 25hz " | " 125hz 25hz " | " 25hz 125hz ") ;;
  *) fail 2 "--models '$models': 125hz, 25hz or both were wanted" ;;
esac
# wants NAME: whether the model NAME is among those of --models.
wants() {
  case " $models " in *" $1 "*) ;; *) return 1 ;; esac
}
if asked 3 && wants 25hz && [ -n "$config" ] && [ ! -f "${config%.yaml}_25hz.yaml" ]; then
  fail 3 "${config%.yaml}_25hz.yaml: no such file; the settings of the model of 25 codes a second" \
    "stand beside those of --config, or give --models 125hz"
fi

set -f # subsets are no patterns
# shellcheck disable=SC2086  # a list of names
corpus_stage "$out/corpus/LibriSpeech" "$recipe/local/download.sh" "$out/corpus" \
  ${subsets:-train-clean-460 dev-clean test-clean}
set +f

if stage_runs 1 "data directories" "$data" "$(place_of "$corpus")" "$subsets" "$readers"; then
  needs_corpus "train-clean-100/, dev-clean/ or other subsets"
  if [ -z "$subsets" ]; then
    # Whoever has a part of what the paper took goes on with that part; of anything else, with all.
    for subset in train-clean-100 train-clean-360 dev-clean test-clean; do
      if [ -d "$corpus/$subset" ] || [ -d "$corpus/LibriSpeech/$subset" ]; then
        subsets="${subsets:+$subsets }$subset"
      fi
    done
    subsets="${subsets/train-clean-100 train-clean-360/train-clean-460}"
  fi
  stage_begins
  vqspeech prepare librispeech "$corpus" "$data" ${subsets:+--subsets "$subsets"} \
    ${readers:+--readers "$readers"} --nj "$nj"
  validate_parts
fi

for folder in "$(dirname "$corpus")/LibriSpeech-alignments" "$corpus/LibriSpeech-alignments"; do
  if [ -z "$alignments" ] && [ -d "$folder" ]; then alignments="$folder"; fi
done
align_stage

if asked 3 || asked 6; then choose_config; fi
if wants 125hz; then train_stage 3 "VQ-VAE, 125 codes a second" "$config" "$exp/vqvae"; fi
if wants 25hz; then
  train_stage 3 "VQ-VAE, 25 codes a second" "${config%.yaml}_25hz.yaml" "$exp/vqvae_25hz"
fi

if wants 125hz; then codes_stage 4 "codes, 125 a second" "$model" "$exp/codes"; fi
if wants 25hz; then
  codes_stage 4 "codes, 25 a second" "$exp/vqvae_25hz/best" "$exp/codes_25hz"
fi

if wants 25hz; then
  phonemes_stage 5 "phoneme analysis" "$exp/codes_25hz" "$exp/vqvae_25hz/best" \
    "$exp/analysis_25hz" dev-clean train
fi
if wants 125hz; then
  map_stage 5 "phoneme map, 125 codes a second" "$exp/codes" "$exp/analysis" dev-clean train
  prior_stage 6 "$config" "$exp/codes" "$model" "$exp/prior" "$exp/analysis"
else
  leave_out 6 "prior" 2 "the model of 125 codes a second has one; give --models 125hz"
fi

if wants 125hz; then
  if asked 7; then choose_speakers; fi
  conversion_stage 7 "$model" "$exp/converted"
else
  leave_out 7 "conversion" 2 "the model of 125 codes a second speaks; give --models 125hz"
fi

if wants 125hz; then
  samples_stage 8 "$config" "$model" "$exp/prior" "$exp/samples"
  report_stage 9 "report, 125 codes a second" "$exp/vqvae" "$exp/codes" "$exp/analysis" \
    "$exp/report" "$exp/prior"
else
  leave_out 8 "unconditional samples" 2 \
    "the model of 125 codes a second speaks; give --models 125hz"
fi
if wants 25hz; then
  report_stage 9 "report, 25 codes a second" "$exp/vqvae_25hz" "$exp/codes_25hz" \
    "$exp/analysis_25hz" "$exp/report_25hz"
fi
