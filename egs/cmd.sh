#!/usr/bin/env bash
# How starts what may use a GPU: empty runs it here; on a cluster, for example "srun --gres=gpu:1".
# shellcheck disable=SC2034  # for stages.sh
train_cmd=""
