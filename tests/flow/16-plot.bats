#!/usr/bin/env bats
bats_require_minimum_version 1.5.0
# Events become one self-contained picture (S173: who speaks where).

setup() {
	cd "$BATS_TEST_TMPDIR" || exit
	export TZ=UTC
	at=0
	{
		event conf.join alice
		event conf.join bob
		event voice.start alice '"level_db":-20'
		event voice.stop alice '"seconds":5,"lost":1.5,"jitter_ms":3'
		event voice.stop bob '"seconds":2.5,"lost":0,"jitter_ms":8.2'
		event mic alice '"on":true'
		event text bob '"text":"<script>&"'
		event conf.leave bob
	} >events
}

event() { # NAME USER [FIELDS]
	at=$((at + 5))
	printf '{"v":1,"seq":%d,"time":"2026-11-22T14:00:%02d.000Z",' $at $at
	printf '"event":"%s","conf":"sip:c1@conf.lab.test"' "$1"
	printf ',"user":"sip:%s@lab.test"%s}\n' "$2" "${3:+,$3}"
}

# Well-formed, and nothing in it points anywhere.
sound() {
	python3 -c 'import sys, xml.dom.minidom as d
r = d.parse(sys.stdin).documentElement
assert r.tagName == "svg", r.tagName
for e in r.getElementsByTagName("*"):
    assert e.tagName not in ("script", "image", "use", "a"), e.tagName
    for name in e.attributes.keys():
        assert "href" not in name and not name.startswith("on"), name
print(r.getElementsByTagName("desc")[0].firstChild.data)'
}

@test "timeline: bars for utterances, marks for joining and leaving" {
	sec-plot timeline <events >t.svg
	sound <t.svg >desc
	grep -qx 'alice; 1; 5.0; joined 14:00:05' desc
	grep -qx 'bob; 1; 2.5; joined 14:00:10 left 14:00:40' desc
	[ "$(grep -c '<rect class="said"' t.svg)" = 2 ]
	# Two who join and one who leaves, and the legend.
	[ "$(grep -c '<line class="join"' t.svg)" = 3 ]
	[ "$(grep -c '<line class="leave"' t.svg)" = 2 ]
	grep -q 'c1: who spoke when' t.svg
}

@test "quality: loss and jitter of each speaker" {
	sec-plot quality --title 'M&M <1>' <events >q.svg
	sound <q.svg >desc
	grep -qx 'alice; 1.5; 1.5; 3.0; 3.0' desc
	grep -qx 'bob; 0.0; 0.0; 8.2; 8.2' desc
	grep -q '<title id="title">M&amp;M &lt;1&gt;</title>' q.svg
}

@test "talk-share: by share" {
	sec-plot talk-share --width 500 <events >s.svg
	sound <s.svg >desc
	[ "$(sed -n 2p desc)" = 'alice; 5.0; 66.7' ]
	[ "$(sed -n 3p desc)" = 'bob; 2.5; 33.3' ]
	grep -q 'width="500"' s.svg
}

@test "two conferences, strangers' names, another locale" {
	sed 's/:c1@/:c2@/; s/:bob@/:b<b>\&\x01@/; s/\x01/\\u0001/' events >more
	LC_ALL=de_DE.UTF-8 sec-plot quality < <(cat events more) >q.svg
	sound <q.svg >desc
	grep -q '^alice @ c2; 1.5; ' desc
	run ! grep -q $'\x01' q.svg
}

@test "nothing to show is a picture too; what is no event is refused" {
	for v in timeline quality talk-share; do
		sec-plot $v </dev/null | sound
	done
	run -11 sec-plot timeline < <(cat events; echo oops)
	[[ "$output" == *"line 9"* ]]
	run -2 sec-plot timeline --width 3
	run -2 sec-plot
	run -2 sec-plot pie
}

@test "absurd numbers and wrong clocks do not make the picture grow" {
	{
		at=0
		event voice.stop alice '"seconds":1e300,"lost":1e308,"jitter_ms":-5'
		event voice.stop alice '"seconds":2,"lost":50,"jitter_ms":9e18'
		sed -n 1p events | sed 's/2026/1970/'
		sed -n 1p events | sed 's/2026/9999/'
	} >odd
	for chart in timeline quality talk-share; do
		sec-plot "$chart" <odd >odd.svg
		sound <odd.svg >/dev/null
		[ "$(wc -c <odd.svg)" -lt 100000 ]
	done
	sec-plot quality <odd | sound | grep -qx 'alice; 50.0; 50.0; 0.0; 0.0'
}
