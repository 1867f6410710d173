#!/usr/bin/env bash
# Section 4.4 of the paper from start to end: frames in the first person and the actions between them,
# a prior over their codes, and frames that it imagines under given actions.
set -euo pipefail
unset CDPATH

recipe="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
data=vizdoom           # frames: vizdoom, lab or a frames file
stage=1                # the first stage to run
stop_stage=8           # the last one
config=conf/default.yaml # sizes
out="$recipe"          # data/ and exp/ go here
device=auto            # auto, cpu or cuda:0
seed=0                 # of the frames that are collected and of the samples
actions=forward,right  # a row of the figure for each, all the way
nj=1

help_message="Usage: $0 [--OPTION VALUE]...
Stages: 1 frames  2 frames to codes  3 clips to codes  4 priors  5 judge of actions  6 measures
        7 figure  8 page and tables
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
# video NAME ARGUMENT...: runs a command of this recipe.
video() {
  $train_cmd python -m "recipes.video.$1" "${@:2}"
}
# Of --config: frames clips drawn models
options="$(python -m recipes.video.options "$config")"
eval "$options"

exp="$out/exp"
vqvae="$exp/vqvae"
case "$data" in
  vizdoom | lab) file="$out/data/frames.npz" ;;
  *)
    file="$data"
    if [ ! -f "$file" ]; then
      fail 3 "--data $file: no such frames file; give vizdoom, lab or a file that is there"
    fi
    ;;
esac
given=(--data "$file" --device "$device")
# manifest RUN...: which model is the best of each.
manifest() {
  content_of "${@/%//best/MANIFEST.json}"
}

if [ "$file" = "$data" ]; then
  leave_out 1 "frames" 0 "$file is given"
elif stage_runs 1 "frames" "$out/data" "$data" "$frames" "$seed"; then
  stage_begins
  $train_cmd python -m recipes.frames.collect --out "$file" --frames "$frames" --seed "$seed" \
    --collector "$data" --overwrite
  stage_done frames.npz
fi

content="$(content_of "$file")"

if stage_runs 2 "frames to codes" "$vqvae" "$content" \
  "$(settings_in "$models/vqvae.yaml")"; then
  needs "$file" 1
  video train "$models/vqvae.yaml" "${given[@]}" --out "$vqvae"
  stage_done best/config.json
fi

if stage_runs 3 "clips to codes" "$exp" "$content" "$(manifest "$vqvae")" \
  "$(settings_in "$models/clips.yaml")"; then
  needs "$vqvae/best/config.json" 2
  video train "$models/clips.yaml" "${given[@]}" --out "$exp/clips"
  video examine_clips --model "$exp/clips" --beside "$vqvae" "${given[@]}" --out "$exp/clip_scores"
  stage_done clips/best/config.json clip_scores/clips.json
fi

if stage_runs 4 "priors" "$exp" "$content" "$(manifest "$vqvae")" \
  "$(settings_in "$models/prior.yaml")"; then
  needs "$vqvae/best/config.json" 2
  of_codes=("$models/prior.yaml" --model "$vqvae" "${given[@]}")
  video train_prior "${of_codes[@]}" --out "$exp/prior"
  # What the actions save is measured against the same without them, and what the frames before do
  # against a PixelCNN that sees none.
  video train_prior "${of_codes[@]}" --out "$exp/without" --set model.actions=false
  video train_prior "${of_codes[@]}" --out "$exp/alone" --set model.actions=false \
    --set model.context=0
  stage_done {prior,without,alone}/best/config.json
fi

if stage_runs 5 "judge of actions" "$exp/judge" "$content" \
  "$(settings_in "$models/judge.yaml")"; then
  needs "$file" 1
  video train_judge "$models/judge.yaml" "${given[@]}" --out "$exp/judge"
  stage_done best/config.json
fi

if stage_runs 6 "measures" "$exp/scores" "$content" "$clips" "$drawn" "$seed" \
  "$(manifest "$vqvae" "$exp/prior" "$exp/without" "$exp/alone" "$exp/judge")"; then
  for prior in prior without alone; do needs "$exp/$prior/best/config.json" 4; done
  needs "$exp/judge/best/config.json" 5
  video examine --model "$vqvae" --prior "$exp/prior" --without "$exp/without" \
    --alone "$exp/alone" --judge "$exp/judge" "${given[@]}" --clips "$clips" --frames "$drawn" \
    --seed "$seed" --out "$exp/scores"
  stage_done video.json
fi

if stage_runs 7 "figure" "$exp/figure" "$content" "$actions" "$drawn" "$seed" \
  "$(manifest "$vqvae" "$exp/prior")"; then
  needs "$exp/prior/best/config.json" 4
  stage_begins
  rows=()
  for action in ${actions//,/ }; do rows+=(--actions "$action*$drawn"); done
  # More than a prior sees: it takes the last ones.
  video cut --data "$file" --part test --frames 16 --out "$exp/figure/clip.npz" --overwrite
  video sample --context "$exp/figure/clip.npz" --model "$vqvae" --prior "$exp/prior" \
    "${rows[@]}" --seed "$seed" --device "$device" --out "$exp/figure/drawn" --overwrite
  stage_done clip.npz drawn.png drawn.gif drawn.webp drawn.npz
fi

if stage_runs 8 "page and tables"; then
  video report --exp "$exp" --out "$exp/report.html"
  found=()
  for made in "$exp/scores/video.json" "$exp/clip_scores/clips.json"; do
    if [ -f "$made" ]; then found+=("$made"); fi
  done
  if [ ${#found[@]} -gt 0 ]; then
    video results "${found[@]}" > "$exp/tables.md.new"
    mv "$exp/tables.md.new" "$exp/tables.md"
    echo "wrote $exp/tables.md"
  fi
fi
