#!/bin/sh
# usage: check.sh [BUILDDIR]
# Both ways between the C code and the oracle: what the oracle makes is what
# is committed (and what the unit tests consume), what the unit test prints
# the oracle computes again, and both agree with what others published.
set -eu
cd "$(dirname "$0")/../../.."
build=${1:-build}
vectors=$build/tests/unit/crypto/vectors

python3 tests/vectors/ref/sec.py check
python3 tests/vectors/ref/sec.py selftest
"$vectors" emit 3 | python3 tests/vectors/ref/sec.py verify -
"$vectors" >/dev/null
"$build/tests/unit/rtp/source" emit 4 |
    python3 tests/vectors/ref/sec.py verify -
python3 tests/vectors/ref/fig9.py check
"$build/tests/unit/crypto/fig9" emit | python3 tests/vectors/ref/fig9.py verify
