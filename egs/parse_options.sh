#!/usr/bin/env bash
# Sourced by run.sh: turns `--some-option value` into some_option=value, for variables that exist.
# Booleans are true or false. `--stop-stage` and `--stop_stage` are the same.
# shellcheck disable=SC2154  # help_message is run.sh's own
while [ $# -gt 0 ]; do
  case "$1" in
    -h | --help)
      printf '%s\n' "$help_message"
      exit 0
      ;;
    --*=*)
      echo "error: $1: write '--name value', with a space" >&2
      exit 2
      ;;
    --*)
      name="${1#--}"
      name="${name//-/_}"
      if [[ ! "$name" =~ ^[a-z_]+$ ]] || [ -z "${!name+set}" ]; then
        echo "error: $1: no such option; see $0 --help" >&2
        exit 2
      fi
      if [ $# -lt 2 ]; then
        echo "error: $1: a value is missing" >&2
        exit 2
      fi
      printf -v "$name" '%s' "$2"
      shift 2
      ;;
    *)
      echo "error: $1: options begin with --; see $0 --help" >&2
      exit 2
      ;;
  esac
done
