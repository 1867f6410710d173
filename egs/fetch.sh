#!/usr/bin/env bash
# Sourced by local/download.sh after its options: archives from the web, whole or not at all.
# shellcheck disable=SC2154  # url, sums, folder and unpacking are the caller's

# sum_of KIND FILE: its md5 or sha256 in hexadecimal.
sum_of() {
  case "$1" in
    md5) if command -v md5sum > /dev/null; then md5sum < "$2"; else md5 -q "$2"; fi ;;
    sha256) if command -v sha256sum > /dev/null; then sha256sum < "$2"; else shasum -a 256 < "$2"; fi ;;
  esac | cut -d ' ' -f 1
}

# read_sum NAME: its checksum by $sums, which is as md5sum or sha256sum --binary writes it.
read_sum() {
  if [ ! -f "$sums" ]; then fail 3 "$sums: no such file; give --sums with 'checksum  archive' lines"; fi
  awk -v name="$1" '{ sub(/\r$/, "") } $2 == name || $2 == "*" name { print tolower($1); found = 1; exit }
    END { exit !found }' "$sums" || fail 3 "$sums: no checksum of $1; give --sums with one"
}

# fetch NAME KIND SUM: sets `archive` to a file with that checksum: $folder/NAME, if somebody put it
# there, else NAME.part, which is fetched, or gone on with.
fetch() {
  local found
  archive="$folder/$1"
  if [ -f "$archive" ]; then
    echo "checking $archive"
    found="$(sum_of "$2" "$archive")"
    if [ "$found" = "$3" ]; then return; fi
    fail 3 "$archive: its $2 is $found, $3 was wanted; replace it, or remove it to have it fetched"
  fi
  archive="$archive.part"
  if [ -f "$archive" ] && [ "$(sum_of "$2" "$archive")" = "$3" ]; then return; fi
  echo "fetching $url/$1"
  transfer "$url/$1" "$archive" || fail 3 "$url/$1: could not be fetched; run it again to go on," \
    "remove $archive to begin anew, or fetch it by other means to $folder/$1"
  echo "checking $archive"
  found="$(sum_of "$2" "$archive")"
  if [ "$found" != "$3" ]; then
    rm -f "$archive"
    fail 3 "$url/$1: its $2 is $found, $3 was wanted; removed what was fetched, run it again or" \
      "try another --url"
  fi
}

# transfer URL FILE: appends to FILE what it lacks.
transfer() {
  if command -v curl > /dev/null; then
    curl --fail --location --continue-at - --output "$2" "$1"
  elif command -v wget > /dev/null; then
    wget --continue --output-document "$2" "$1"
  else
    fail 4 "neither curl nor wget is installed; install one, or fetch $1 by other means to ${2%.part}"
  fi
}

# unpack COMMAND...: has COMMAND unpack $archive into the new folder $unpacking.
unpack() {
  echo "unpacking $archive"
  rm -rf "$unpacking"
  mkdir "$unpacking"
  "$@" || fail 5 "$archive: could not be unpacked; free space in $folder and run it again"
}

# keep FOLDER CORPUS: what was unpacked becomes CORPUS; an archive that was fetched here is removed.
keep() {
  mv "$1" "$2"
  rm -rf "$unpacking"
  case "$archive" in *.part) rm -f "$archive" ;; esac
  echo "wrote $2"
}
