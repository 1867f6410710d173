#!/usr/bin/env bash
# How training starts: empty runs it here; on a cluster, for example "srun --gres=gpu:1".
train_cmd=""
