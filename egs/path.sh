#!/usr/bin/env bash
# What every recipe needs on its path: the environment of the checkout, where there is one.
root="$(unset CDPATH && cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
if [ -x "$root/.venv/bin/vqspeech" ]; then
  export PATH="$root/.venv/bin:$PATH"
fi
export LC_ALL=C
if ! command -v vqspeech > /dev/null; then
  echo "error: vqspeech is not installed; run 'make test' or 'pip install -e .' in $root" >&2
  return 4
fi
