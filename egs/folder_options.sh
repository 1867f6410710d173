#!/usr/bin/env bash
# Sourced by local/download.sh: options, then one folder; what follows the folder stays in "$@".
# shellcheck disable=SC2034,SC2154  # url, sums, folder and help_message are the caller's
while [ $# -gt 0 ]; do
  case "$1" in
    -h | --help)
      printf '%s\n' "$help_message"
      exit 0
      ;;
    --url | --sums)
      if [ $# -lt 2 ]; then give_up 2 "$1: a value is missing"; fi
      printf -v "${1#--}" '%s' "$2"
      shift 2
      ;;
    --*) give_up 2 "$1: no such option; see $0 --help" ;;
    *) break ;;
  esac
done
if [ $# -eq 0 ]; then give_up 2 "a folder to fetch to is missing; see $0 --help"; fi
folder="${1%/}"
shift
if [ ! -f "$sums" ]; then give_up 3 "$sums: no such file; give --sums with 'checksum  archive' lines"; fi
