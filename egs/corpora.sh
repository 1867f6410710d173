#!/usr/bin/env bash
# Sourced by the recipes of large corpora after stages.sh: what they choose when nobody says.
# shellcheck disable=SC2154,SC2034  # the options are run.sh's own, and so is what is set here

case "$ngpu" in
  "") ;;
  0) device=cpu ;;
  1) if [ "$device" = auto ]; then device=cuda; fi ;;
  *)
    echo "error: --ngpu $ngpu: training on several GPUs is not built yet; give 0 or 1" >&2
    exit 2
    ;;
esac

# needs_corpus HOLDS: stops unless $corpus is a folder; HOLDS is what should be in it.
needs_corpus() {
  if [ ! -d "$corpus" ]; then
    echo "error: $corpus: no such folder; give --corpus DIR, the folder that holds $1," \
      "or have it fetched: $0 --stage 0 --stop-stage 0" >&2
    exit 3
  fi
}

# choose_config: sets `config` where none is given, to the one used before in this --out or else by
# what there is to train on. A run begun on a GPU is not to be replaced by a toy elsewhere.
choose_config() {
  if [ -z "$config" ] && [ -f "$exp/.config" ]; then
    config="$(cat "$exp/.config")"
    if [ -f "$config" ]; then
      echo "settings: $config, as before in $exp; --config conf/NAME.yaml for others"
      return
    fi
    config=""
  fi
  if [ -z "$config" ]; then
    config="$recipe/conf/vqvae.yaml"
    if ! has_cuda; then
      config="$recipe/conf/tiny.yaml"
      printf '%s\n' \
        "WARNING: no CUDA device to train on, so the smallest settings are used, conf/tiny.yaml:" \
        "WARNING: the paper's size would take months or years on a CPU. What comes out is a test" \
        "WARNING: of the recipe and no voice. To insist: --config conf/vqvae.yaml" >&2
    fi
  fi
  mkdir -p "$exp"
  (cd "$(dirname "$config")" && echo "$PWD/$(basename "$config")") > "$exp/.config"
}

# has_cuda: whether training is to go to a GPU.
has_cuda() {
  case "$device" in
    cpu) false ;;
    auto) python -c 'import sys, torch; sys.exit(not torch.cuda.is_available())' ;;
    *) true ;;
  esac
}

# choose_speakers: sets `speakers`, unless given, to the first woman and the first man who were
# trained on; where genders are not known, to the first two speakers.
choose_speakers() {
  if [ -z "$speakers" ] && ls "$data"/train/spk2gender* > /dev/null 2>&1; then
    speakers="$(awk '$2 == "f" && !f { f = $1 } $2 == "m" && !m { m = $1 }
      END { if (f && m) print f, m }' "$data"/train/spk2gender*)"
  fi
  if [ -z "$speakers" ] && [ -f "$data/train/utt2spk" ]; then
    speakers="$(awk '!seen[$2]++ && n++ < 2 { printf "%s ", $2 }' "$data/train/utt2spk")"
  fi
}

# validate_parts: checks every data directory that was made; ends the stage.
validate_parts() {
  local part made=()
  list_parts
  for part in "${parts[@]}"; do
    vqspeech validate "$part"
    made+=("${part##*/}/utt2spk")
  done
  stage_done "${made[@]}"
}

# align_parts: phones.ctm for the data directories, from $alignments or else by an aligner; ends the
# stage. A part of which nothing is aligned has none.
align_parts() {
  local part made=()
  needs "$data/train/utt2spk" 1
  list_parts
  if [ -n "$alignments" ]; then
    vqspeech align import "$alignments" "${parts[@]}" --overwrite
  else
    vqspeech align make "${parts[@]}" --nj "$nj" --overwrite
  fi
  for part in "${parts[@]}"; do
    if [ -f "$part/phones.ctm" ]; then made+=("${part##*/}/phones.ctm"); fi
  done
  stage_done ${made[@]+"${made[@]}"} # an empty array is an unset one to older shells
}

# can_align: whether stage 2 has TextGrids or an aligner; says so of a stage that has neither.
can_align() {
  if [ -n "$alignments" ] && [ ! -d "$alignments" ]; then
    echo "error: --alignments $alignments: no such folder; give one of TextGrids" >&2
    exit 3
  fi
  if [ -n "$alignments" ] || ! asked 2; then return; fi
  if python -c 'import importlib.util, sys
sys.exit(importlib.util.find_spec("pocketsphinx") is None)'; then return; fi
  local how="neither TextGrids nor an aligner; give --alignments DIR or pip install 'vqspeech[align]'"
  if [ "$stage" -eq "$stop_stage" ]; then
    echo "error: stage 2: alignments: $how" >&2
    exit 4
  fi
  echo "== stage 2: alignments: left out, $how"
  return 1
}
