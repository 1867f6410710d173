#!/usr/bin/env bash
# Fetches VCTK 0.92 into a folder: DIR/VCTK-Corpus-0.92. Stopped, it goes on when run again.
set -euo pipefail
unset CDPATH

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
url=https://datashare.ed.ac.uk/bitstream/handle/10283/3443 # where the archive is, this or a mirror
sums="$here/sha256sums.txt" # its checksum

help_message="Usage: $0 [--url URL] [--sums FILE] DIR
Fetches VCTK-Corpus-0.92.zip (11 GB), unless it lies in DIR, checks it and unpacks it to DIR."

# shellcheck source=../../parse_options.sh
. "$here/../../parse_options.sh"
# shellcheck source=../../fetch.sh
. "$here/../../fetch.sh"

if [ $# -ne 1 ]; then fail 2 "one folder to fetch to was wanted; see $0 --help"; fi
folder="${1%/}"
corpus="$folder/VCTK-Corpus-0.92"
unpacking="$folder/.unpacking-VCTK-Corpus-0.92"
if [ -d "$corpus" ]; then
  echo "$corpus: unpacked before"
  exit
fi
sum="$(read_sum VCTK-Corpus-0.92.zip)"
echo "VCTK 0.92 (CSTR, University of Edinburgh): 11 GB to fetch, as much again unpacked, CC BY 4.0"
mkdir -p "$folder"
fetch VCTK-Corpus-0.92.zip sha256 "$sum"
unpack python3 -m zipfile -e "$archive" "$unpacking"
keep "$unpacking" "$corpus"
