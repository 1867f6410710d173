#!/usr/bin/env bash
# Sections 4.1 and 4.2 of the paper from start to end: the comparison in bits per dimension, pictures
# through 32 x 32 codes and a prior over them, and frames in the first person as 27 bits.
set -euo pipefail
unset CDPATH

recipe="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
data=photos            # pictures: photos, cifar10:DIR, imagenet:DIR or folder:DIR
views=vizdoom          # frames: vizdoom, lab or a frames file
stage=1                # the first stage to run
stop_stage=7           # the last one
config=conf/default.yaml # sizes
out="$recipe"          # data/ and exp/ go here
device=auto            # auto, cpu or cuda:0
seed=0                 # of the frames that are collected and of the samples
nj=1

help_message="Usage: $0 [--OPTION VALUE]...
Stages: 1 frames  2 comparison in bits per dimension  3 pictures: VQ-VAE  4 pictures: prior, samples
        5 frames: VQ-VAE and prior  6 frames: second stage  7 page and tables
        A stage that was done before with the same inputs is skipped.
Options, with their defaults:"

# shellcheck source=../../egs/parse_options.sh
. "$recipe/../../egs/parse_options.sh"
# shellcheck source=../../egs/path.sh
. "$recipe/../../egs/path.sh"
# shellcheck source=../../egs/cmd.sh
. "$recipe/../../egs/cmd.sh"
# shellcheck source=../../egs/stages.sh
. "$recipe/../../egs/stages.sh"

export PYTHONPATH="$root${PYTHONPATH:+:$PYTHONPATH}"
# images NAME ARGUMENT...: runs a command of this recipe.
images() {
  $train_cmd python -m "recipes.images.$1" "${@:2}"
}
# Of --config: frames limit seeds grid betas samples neighbours comparison pictures views_conf
options="$(python -m recipes.images.options "$config")"
eval "$options"

exp="$out/exp"
cache="$out/data"
bits="$exp/bits"
photos="$exp/photos128"
frames84="$exp/frames84"
# The larger pictures are of the same data, but for CIFAR-10, which has none; crops of photographs
# are told apart by their scale there.
case "$data" in
  photos) larger=photos:scales ;;
  cifar10:*) larger="" ;;
  *) larger="$data" ;;
esac
case "$views" in
  vizdoom | lab) file="$cache/frames.npz" ;;
  *)
    file="$views"
    if [ ! -f "$file" ]; then
      fail 3 "--views $file: no such frames file; give vizdoom, lab or a file that is there"
    fi
    ;;
esac
given=(--cache "$cache" --device "$device" ${limit:+--limit "$limit"})
of_pictures=(--data "$larger" --size 128 "${given[@]}")
of_frames=(--data "frames:$file" --size 84 "${given[@]}")

if [ "$file" = "$views" ]; then
  leave_out 1 "frames" 0 "$file is given"
elif stage_runs 1 "frames" "$cache" "$views" "$frames" "$seed"; then
  stage_begins
  $train_cmd python -m recipes.frames.collect --out "$file" --frames "$frames" --seed "$seed" \
    --collector "$views" --overwrite
  stage_done frames.npz
fi

# settings_of FOLDER: what its files set.
settings_of() {
  local file
  for file in "$1"/*.yaml; do
    echo "${file##*/}"
    settings_in "$file"
  done
}

if stage_runs 2 "comparison in bits per dimension" "$bits" "$data" "$limit" \
  "$(settings_of "$comparison")" "$seeds" "$grid" "$betas" "$samples" "$neighbours"; then
  stage_begins
  images bits_per_dim --data "$data" --models "$comparison" --out "$bits" --json "$bits/bits.json" \
    --seeds "$seeds" ${grid:+--grid "$grid"} ${betas:+--betas "$betas"} --samples "$samples" \
    --neighbours "$neighbours" "${given[@]}"
  stage_done bits.json
fi

if [ -z "$larger" ]; then
  leave_out 3 "pictures: VQ-VAE" 2 "$data has no pictures of 128 x 128"
  leave_out 4 "pictures: prior, samples" 2 "$data has no pictures of 128 x 128"
else
  if stage_runs 3 "pictures: VQ-VAE" "$photos" "$larger" "$limit" \
    "$(settings_in "$pictures/vqvae.yaml")"; then
    images train "$pictures/vqvae.yaml" "${of_pictures[@]}" --out "$photos/vqvae"
    stage_done vqvae/best/config.json
  fi
  if stage_runs 4 "pictures: prior, samples" "$photos" "$(settings_in "$pictures/prior.yaml")" \
    "$seed" "$(content_of "$photos/vqvae/best/MANIFEST.json")"; then
    needs "$photos/vqvae/best/config.json" 3
    images train_prior "$pictures/prior.yaml" --model "$photos/vqvae" "${of_pictures[@]}" \
      --out "$photos/prior"
    images examine --model "$photos/vqvae" --prior "$photos/prior" "${of_pictures[@]}" \
      --seed "$seed" --out "$photos/pictures"
    stage_done prior/best/config.json pictures/scores.json
  fi
fi

if stage_runs 5 "frames: VQ-VAE and prior" "$frames84" "$(content_of "$file")" "$limit" "$seed" \
  "$(settings_in "$views_conf/vqvae.yaml")" "$(settings_in "$views_conf/prior.yaml")"; then
  needs "$file" 1
  images train "$views_conf/vqvae.yaml" "${of_frames[@]}" --out "$frames84/vqvae"
  images train_prior "$views_conf/prior.yaml" --model "$frames84/vqvae" "${of_frames[@]}" \
    --out "$frames84/prior"
  images examine --model "$frames84/vqvae" --prior "$frames84/prior" "${of_frames[@]}" \
    --seed "$seed" --out "$frames84/pictures"
  stage_done vqvae/best/config.json prior/best/config.json pictures/scores.json
fi

if stage_runs 6 "frames: second stage" "$frames84" "$(settings_in "$views_conf/second.yaml")" "$seed" \
  "$(content_of "$frames84/vqvae/best/MANIFEST.json" "$frames84/prior/best/MANIFEST.json")"; then
  needs "$frames84/prior/best/config.json" 5
  images train_second "$views_conf/second.yaml" --model "$frames84/vqvae" "${of_frames[@]}" \
    --out "$frames84/second"
  images examine_second --model "$frames84/vqvae" --prior "$frames84/prior" \
    --second "$frames84/second" "${of_frames[@]}" --seed "$seed" --out "$frames84/pictures"
  stage_done second/best/config.json pictures/second.json
fi

if stage_runs 7 "page and tables"; then
  images report --exp "$exp" --out "$exp/report.html"
  found=()
  for made in "$bits/bits.json" "$photos/pictures/scores.json" "$frames84/pictures/scores.json" \
    "$frames84/pictures/second.json"; do
    if [ -f "$made" ]; then found+=("$made"); fi
  done
  if [ ${#found[@]} -gt 0 ]; then
    images results "${found[@]}" > "$exp/tables.md.new"
    mv "$exp/tables.md.new" "$exp/tables.md"
    echo "wrote $exp/tables.md"
  fi
fi
