#!/usr/bin/env bash
# Sourced by scripts: turns `--some-option value` into some_option=value, up to what is no option.
# Options are the script's variables above its help_message that have a comment, which is their help.
# `--stop-stage` and `--stop_stage` are the same.

# fail STATUS MESSAGE...: ends the script with one line.
fail() {
  echo "error: ${*:2}" >&2
  exit "$1"
}

known="=" row='^([a-z_]+)=.* # (.*)$'
while IFS= read -r line; do
  case "$line" in help_message=*) break ;; esac
  if [[ "$line" =~ $row ]]; then
    name="${BASH_REMATCH[1]}"
    known="$known$name="
    printf -v line '  --%-18s %s' "${name//_/-}" "${BASH_REMATCH[2]}${!name:+ [${!name}]}"
    help_message="$help_message"$'\n'"$line"
  fi
done < "${BASH_SOURCE[1]}"

while [ $# -gt 0 ]; do
  case "$1" in
    -h | --help)
      printf '%s\n' "$help_message"
      exit
      ;;
    --*=*) fail 2 "$1: write '--name value', with a space" ;;
    --*) ;;
    *) break ;;
  esac
  name="${1#--}"
  name="${name//-/_}"
  case "$known" in
    *"=$name="*) ;;
    *) fail 2 "$1: no such option; see $0 --help" ;;
  esac
  case "${2-}" in
    "" | --*) fail 2 "$1: a value is missing or empty; without the option its default is taken" ;;
  esac
  printf -v "$name" '%s' "$2"
  shift 2
done
