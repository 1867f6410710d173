#!/usr/bin/env bash
# Fetches subsets of LibriSpeech into a folder: DIR/LibriSpeech/SUBSET. Stopped, it goes on when run
# again.
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
url=https://www.openslr.org/resources/12
sums="$here/md5sums.txt"

help_message="Usage: $0 [--url URL] [--sums FILE] DIR [SUBSET...]
Fetches SUBSET.tar.gz from --url (a mirror, say), checks it against --sums, unpacks it to DIR.
Subsets: train-clean-100 (6.4 GB)  train-clean-360 (23 GB)  train-other-500 (30 GB)
         dev-clean dev-other test-clean test-other (0.3 GB each)
         train-clean-460 and train-960 are the first two and the first three.
Without a subset: train-clean-460 dev-clean test-clean"

# shellcheck source=../../fetch.sh
. "$here/../../fetch.sh"
# shellcheck source=../../folder_options.sh
. "$here/../../folder_options.sh"

if [ $# -eq 0 ]; then set -- train-clean-460 dev-clean test-clean; fi
subsets=()
for subset in "$@"; do
  case "$subset" in
    train-clean-460) subsets+=(train-clean-100 train-clean-360) ;;
    train-960) subsets+=(train-clean-100 train-clean-360 train-other-500) ;;
    *) subsets+=("$subset") ;;
  esac
done
for subset in "${subsets[@]}"; do
  if [ -z "$(read_sum "$sums" "$subset.tar.gz")" ]; then
    give_up 2 "$subset: no subset of LibriSpeech; see $0 --help"
  fi
done
mkdir -p "$folder/LibriSpeech"
for subset in "${subsets[@]}"; do
  corpus="$folder/LibriSpeech/$subset"
  archive="$folder/$subset.tar.gz"
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
  fetch "$url/$subset.tar.gz" "$archive" md5 "$(read_sum "$sums" "$subset.tar.gz")"
  echo "unpacking $archive"
  unpacking="$folder/.unpacking"
  rm -rf "$unpacking"
  mkdir "$unpacking"
  if ! tar -xzf "$archive" -C "$unpacking"; then
    give_up 5 "$archive: could not be unpacked; free space in $folder and run it again"
  fi
  # Each archive brings SPEAKERS.TXT and the like along; they are the same in all.
  for file in "$unpacking"/LibriSpeech/*.TXT; do
    if [ -f "$file" ]; then mv -f "$file" "$folder/LibriSpeech"; fi
  done
  mv "$unpacking/LibriSpeech/$subset" "$corpus"
  rm -rf "$unpacking" "$archive"
  echo "wrote $corpus"
done
