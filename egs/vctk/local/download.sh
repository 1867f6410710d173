#!/usr/bin/env bash
# Fetches VCTK 0.92 into a folder: DIR/VCTK-Corpus-0.92. Stopped, it goes on when run again.
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
url=https://datashare.ed.ac.uk/bitstream/handle/10283/3443
sums="$here/sha256sums.txt"

help_message="Usage: $0 [--url URL] [--sums FILE] DIR
Fetches VCTK-Corpus-0.92.zip from --url (a mirror, say), checks it against --sums, unpacks it to DIR."

# shellcheck source=../../fetch.sh
. "$here/../../fetch.sh"
# shellcheck source=../../folder_options.sh
. "$here/../../folder_options.sh"

if [ $# -ne 0 ]; then give_up 2 "$1: one folder was wanted; see $0 --help"; fi
corpus="$folder/VCTK-Corpus-0.92"
archive="$folder/VCTK-Corpus-0.92.zip"
if [ -d "$corpus" ]; then
  echo "$corpus: unpacked before"
  exit
fi
echo "VCTK 0.92 (CSTR, University of Edinburgh): 11 GB to fetch, as much again unpacked, CC BY 4.0"
mkdir -p "$folder"
fetch "$url/VCTK-Corpus-0.92.zip" "$archive" sha256 "$(read_sum "$sums" VCTK-Corpus-0.92.zip)"
echo "unpacking $archive"
unpacking="$folder/.unpacking"
rm -rf "$unpacking"
python3 -m zipfile -e "$archive" "$unpacking" || give_up 5 "$archive: could not be unpacked;" \
  "free space in $folder and run it again"
mv "$unpacking" "$corpus"
rm "$archive"
echo "wrote $corpus"
