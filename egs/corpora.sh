#!/usr/bin/env bash
# Sourced by the recipes of large corpora after stages.sh: what they choose when nobody says.
# shellcheck disable=SC2154,SC2034  # the options are run.sh's own, and so is what is set here

case "$ngpu" in
  "") ;;
  0) device=cpu ;;
  1) if [ "$device" = auto ]; then device=cuda; fi ;;
  *) fail 2 "--ngpu $ngpu: training on several GPUs is not built yet; give 0 or 1" ;;
esac

# corpus_stage FOLDER COMMAND...: sets `corpus`, unless given, to the one that $data was made of, else
# to FOLDER, where COMMAND fetches it.
corpus_stage() {
  local before
  before="$(cat "$data/.corpus" 2> /dev/null || true)"
  if [ -n "$corpus" ]; then
    if asked 0; then echo "== stage 0: corpus: $corpus was given"; fi
  elif [ -d "$before" ] || [ -f "$data/.stage-1" ]; then
    corpus="${before:-$1}"
    if asked 0; then echo "== stage 0: corpus: not fetched, $data is of $corpus"; fi
  else
    corpus="$1"
    if stage_runs 0 "corpus"; then "${@:2}"; fi
  fi
}

# needs_corpus HOLDS: stops unless $corpus is a folder, which is remembered; HOLDS should be in it.
needs_corpus() {
  if [ ! -d "$corpus" ]; then
    fail 3 "$corpus: no such folder; give --corpus DIR, the folder that holds $1, or have it" \
      "fetched: rm -f $data/.stage-1; $0 --out $(printf %q "$out") --stage 0"
  fi
  mkdir -p "$data"
  place_of "$corpus" > "$data/.corpus"
}

# choose_config: sets `config`, unless given, by what there is to train on.
choose_config() {
  if [ -n "$config" ]; then return; fi
  config="$recipe/conf/vqvae.yaml"
  case "$device" in
    cpu) ;;
    auto) if finds gpu "$train_cmd"; then return; fi ;;
    *) return ;;
  esac
  config="$recipe/conf/tiny.yaml"
  printf 'WARNING: %s\n' \
    "no CUDA device to train on, so the smallest settings are used, conf/tiny.yaml:" \
    "the paper's size would take months or years on a CPU. What comes out is a test" \
    "of the recipe and no voice. To insist: --config conf/vqvae.yaml" >&2
}

# choose_speakers: sets `speakers`, unless given, to the first woman and the first man who were
# trained on; where genders are not known, to the first two speakers.
choose_speakers() {
  local table
  if [ -n "$speakers" ]; then return; fi
  needs "$data/train/utt2spk" 1
  for table in "$data/train/spk2gender" "$data/train/spk2gender_partial"; do
    if [ -f "$table" ] && [ -z "$speakers" ]; then
      speakers="$(awk '$2 == "f" && !f { f = $1 } $2 == "m" && !m { m = $1 }
        END { if (f && m) print f, m }' "$table")"
    fi
  done
  if [ -z "$speakers" ]; then
    speakers="$(awk '!seen[$2]++ && n++ < 2 { printf "%s ", $2 }' "$data/train/utt2spk")"
  fi
}

# align_stage: phones.ctm for the data directories, from $alignments or else by an aligner. A part of
# which nothing is aligned has none.
align_stage() {
  local part made=()
  asked 2 || return 0
  list_parts
  stage_runs 2 "alignments" "$data" "${alignments:+$(place_of "$alignments")}" \
    "$(speech_in text ${parts[@]+"${parts[@]}"})" || return 0
  needs "$data/train/utt2spk" 1
  if [ -n "$alignments" ]; then
    if [ ! -d "$alignments" ]; then
      fail 3 "--alignments $alignments: no such folder; give one of TextGrids"
    fi
    stage_begins
    vqspeech align import "$alignments" "${parts[@]}" --overwrite
  elif finds pocketsphinx; then
    stage_begins
    vqspeech align make "${parts[@]}" --nj "$nj" --overwrite
  else
    leave_out 2 "alignments" 4 \
      "neither TextGrids nor an aligner; give --alignments DIR or pip install 'vqspeech[align]'"
    return 0
  fi
  for part in "${parts[@]##*/}"; do
    if [ -f "$data/$part/phones.ctm" ]; then made+=("$part/phones.ctm"); fi
  done
  stage_done ${made[@]+"${made[@]}"}
}
