#!/usr/bin/env bash
# Fetches subsets of LibriSpeech into a folder: DIR/LibriSpeech/SUBSET. Stopped, it goes on when run
# again.
set -euo pipefail
unset CDPATH

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
url=https://www.openslr.org/resources/12 # where the archives are, this or a mirror
sums="$here/md5sums.txt" # their checksums

help_message="Usage: $0 [--url URL] [--sums FILE] DIR [SUBSET...]
Fetches SUBSET.tar.gz, unless it lies in DIR, checks it and unpacks it to DIR/LibriSpeech.
Subsets: train-clean-100 (6.4 GB)  train-clean-360 (23 GB)  train-other-500 (30 GB)
         dev-clean dev-other test-clean test-other (0.3 GB each)
         train-clean-460 and train-960 are the first two and the first three.
Without a subset: train-clean-460 dev-clean test-clean"

# shellcheck source=../../parse_options.sh
. "$here/../../parse_options.sh"
# shellcheck source=../../fetch.sh
. "$here/../../fetch.sh"

if [ $# -eq 0 ]; then fail 2 "a folder to fetch to is missing; see $0 --help"; fi
folder="${1%/}"
shift
if [ $# -eq 0 ]; then set -- train-clean-460 dev-clean test-clean; fi
subsets=()
for subset in "$@"; do
  case "$subset" in
    train-clean-460) subsets+=(train-clean-100 train-clean-360) ;;
    train-960) subsets+=(train-clean-100 train-clean-360 train-other-500) ;;
    train-clean-100 | train-clean-360 | train-other-500) subsets+=("$subset") ;;
    dev-clean | dev-other | test-clean | test-other) subsets+=("$subset") ;;
    *) fail 2 "$subset: no subset of LibriSpeech; see $0 --help" ;;
  esac
done
for subset in "${subsets[@]}"; do read_sum "$subset.tar.gz" > /dev/null; done
mkdir -p "$folder/LibriSpeech"
for subset in "${subsets[@]}"; do
  corpus="$folder/LibriSpeech/$subset"
  unpacking="$folder/.unpacking-$subset"
  if [ -d "$corpus" ]; then
    echo "$corpus: unpacked before"
    continue
  fi
  case "$subset" in
    train-clean-100) size="6.4 GB" ;;
    train-clean-360) size="23 GB" ;;
    train-other-500) size="30 GB" ;;
    *) size="0.3 GB" ;;
  esac
  echo "LibriSpeech $subset (OpenSLR 12): $size to fetch, as much again unpacked, CC BY 4.0"
  fetch "$subset.tar.gz" md5 "$(read_sum "$subset.tar.gz")"
  unpack tar -xzf "$archive" -C "$unpacking"
  # Each archive brings SPEAKERS.TXT and the like along; they are the same in all.
  for file in "$unpacking"/LibriSpeech/*.TXT; do
    if [ -f "$file" ]; then mv -f "$file" "$folder/LibriSpeech"; fi
  done
  keep "$unpacking/LibriSpeech/$subset" "$corpus"
done
