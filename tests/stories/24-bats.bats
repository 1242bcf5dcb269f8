#!/usr/bin/env bats
# STORIES 1.24: a whole conference in bats. The file of the story as it
# stands: what somebody who tries SEC would write.
#
#	sec-lab up --wire        as alice ... as bob ...        sec-lab down
bats_require_minimum_version 1.5.0
setup_file()    { export SEC_DIR="$BATS_FILE_TMPDIR"
                  sec-lab up -q --wire "$SEC_DIR/wire.pcap" alice bob carol; }
teardown_file() { sec-lab down -q --purge; }
as() { sec-lab run "$@"; }                       # as alice sec-pal …

@test "carol declines, bob hears 440 Hz from alice" {
  as bob   sec-confctl answer accept
  as carol sec-confctl answer decline
  run -6 --separate-stderr as alice sec-confctl create -W -n t1 -m text,voice bob carol
  [ "$output" = t1 ]
  sox -n -t s16 -r 48000 -c 1 - synth 3 sine 440 |
      as alice sec-talk -i - -o null -n 1 t1 3>&- &      # -n 1: start when one other device is there
  as bob sec-talk -i null -o "$BATS_TEST_TMPDIR/h.wav" -t 2 t1
  hz=$(sox "$BATS_TEST_TMPDIR/h.wav" -n stat 2>&1 | awk '/Rough/ {print $3}')
  (( hz >= 430 && hz <= 450 ))
}
@test "carol declines, bob reads alice" {          # the text twin of the first
  set -o pipefail                                  # jq -e of nothing is a yes
  as bob   sec-confctl answer accept
  as carol sec-confctl answer decline
  run -6 --separate-stderr as alice sec-confctl create -W -n t2 bob carol
  [ "$output" = t2 ]
  seq=$(as bob sec-watch --last)
  echo "shipping at three" | as alice sec-talk -s t2
  as bob sec-watch -1 -T 10 --since "$seq" -c t2 -e text | jq -e '.text == "shipping at three"'
}
@test "S016: a stranger on the wire learns nothing" {
  echo "shipping at three" | as alice sec-talk -s t2
  run -1 grep -a "shipping at three" "$SEC_DIR/wire.pcap"
}
@test "what the stranger has is the conference, and stays" {
  [ "$(tshark -r "$SEC_DIR/wire.pcap" 2>/dev/null | wc -l)" -gt 20 ]
  sec-lab down -q --purge
  [ "$(ls -A "$SEC_DIR")" = wire.pcap ]
  [ -s "$SEC_DIR/wire.pcap" ]
}
