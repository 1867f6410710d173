#!/usr/bin/env bash
# Sourced by local/download.sh: archives from the web, whole or not at all, and resumable.

# give_up STATUS MESSAGE...
give_up() {
  echo "error: ${*:2}" >&2
  exit "$1"
}

# sum_of KIND FILE: its md5 or sha256 in hexadecimal.
sum_of() {
  case "$1" in
    md5) if command -v md5sum > /dev/null; then md5sum < "$2"; else md5 -q "$2"; fi ;;
    sha256) if command -v sha256sum > /dev/null; then sha256sum < "$2"; else shasum -a 256 < "$2"; fi ;;
  esac | cut -d ' ' -f 1
}

# fetch URL FILE KIND SUM: FILE, with that checksum; what an earlier attempt left is gone on with.
# A download carries the name FILE.part until its checksum is right.
fetch() {
  local part="$2.part" found
  if [ -f "$2" ]; then mv "$2" "$part"; fi # fetched by other means, perhaps
  if ! [ -f "$part" ] || [ "$(sum_of "$3" "$part")" != "$4" ]; then
    echo "fetching $1"
    transfer "$1" "$part" || give_up 3 "$1: could not be fetched; run it again to go on, remove" \
      "$part to begin anew, or fetch it by other means to $2"
    echo "checking $part"
    found="$(sum_of "$3" "$part")"
    if [ "$found" != "$4" ]; then
      rm -f "$part"
      give_up 3 "$1: its $3 is $found, $4 was wanted; removed what was fetched," \
        "run it again or try another --url"
    fi
  fi
  mv "$part" "$2"
}

# transfer URL FILE: appends to FILE what it lacks.
transfer() {
  if command -v curl > /dev/null; then
    curl --fail --location --continue-at - --output "$2" "$1"
  elif command -v wget > /dev/null; then
    wget --continue --output-document "$2" "$1"
  else
    give_up 4 "neither curl nor wget is installed; install one, or fetch $1 by other means to" \
      "${2%.part}"
  fi
}

# read_sum FILE ARCHIVE: the checksum in a table as md5sum writes it.
read_sum() {
  awk -v name="$2" '$2 == name { print $1 }' "$1"
}
