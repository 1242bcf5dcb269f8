-- conf.db: the controller's conferences. Written by sec-confctl only, with
-- synchronous=FULL: an epoch or a client number that was used must never
-- come back. No session, conference or hop key is ever here.
-- Times are milliseconds since 1970 UTC. A conference's id is 64 bits in 16
-- hex digits: the server number (8 bits), then 56 random ones.

-- Conferences that exist, running or (persistent ones) empty.
CREATE TABLE conference (
	id         TEXT NOT NULL PRIMARY KEY,
	name       TEXT NOT NULL UNIQUE,     -- NAME of sip:NAME@conf.DOMAIN
	title      TEXT NOT NULL,
	parent     TEXT NOT NULL,            -- id it was spawned from; ''
	persistent INTEGER NOT NULL,         -- 1: outlives its last member
	owner      TEXT NOT NULL,            -- the creator while not persistent
	access     TEXT NOT NULL,            -- invited, domain, listed, parent
	codec      TEXT NOT NULL,            -- of voice: opus, pcmu; ''
	streams    INTEGER NOT NULL,         -- loudest N that are forwarded
	"select"   TEXT NOT NULL,            -- how: loudest, first
	epoch      INTEGER NOT NULL,         -- last one begun
	q_reserved INTEGER NOT NULL,         -- client numbers up to it are used
	created    INTEGER NOT NULL,
	-- What owners may set later:
	speak      TEXT NOT NULL DEFAULT 'all', -- all, moderators, asked
	lobby      INTEGER NOT NULL DEFAULT 0,  -- bits: 1 joins wait for
	                                        -- admission, 2 nobody new
	history    INTEGER NOT NULL DEFAULT 0,  -- lines of text kept
	history_from TEXT NOT NULL DEFAULT 'join', -- join, begin: how far back
	                                        -- a member may read
	record     INTEGER NOT NULL DEFAULT 1,  -- 0: recorders are refused
	directory  INTEGER NOT NULL DEFAULT 0,  -- 1: shown in searches
	level      INTEGER NOT NULL DEFAULT 1,  -- 0: packets tell no loudness
	changed    INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- The media of a conference and the server that each is routed by.
CREATE TABLE conference_medium (
	conf       TEXT NOT NULL REFERENCES conference ON DELETE CASCADE,
	medium     TEXT NOT NULL,            -- text, voice, app
	server     INTEGER NOT NULL,         -- number in `servers`
	PRIMARY KEY (conf, medium)
) STRICT, WITHOUT ROWID;

-- One row per device in a conference: one INVITE dialog, one q. With them a
-- restarted controller finds its dialogs again.
CREATE TABLE device (
	conf       TEXT NOT NULL REFERENCES conference ON DELETE CASCADE,
	q          INTEGER NOT NULL,         -- server number * 2^24 + client
	user       TEXT NOT NULL,
	instance   TEXT NOT NULL,            -- the agent's, 32 hex digits
	medium     TEXT NOT NULL,            -- text, voice; '' membership only
	server     INTEGER NOT NULL,         -- that routes it; 0 none
	call_id    TEXT NOT NULL,            -- the dialog (RFC 3261 12)
	local_tag  TEXT NOT NULL,
	remote_tag TEXT NOT NULL,
	remote_uri TEXT NOT NULL,            -- its target: the Contact
	local_cseq  INTEGER NOT NULL,
	remote_cseq INTEGER NOT NULL,
	address    TEXT NOT NULL,            -- of the device's SDP; ''
	via        TEXT NOT NULL DEFAULT 'voip', -- voip, recorder, phone, web
	PRIMARY KEY (conf, q)
) STRICT, WITHOUT ROWID;

-- Lists of people: who was invited or may come, who may not, and so on.
CREATE TABLE conference_user (
	conf       TEXT NOT NULL REFERENCES conference ON DELETE CASCADE,
	user       TEXT NOT NULL,
	list       TEXT NOT NULL,            -- invited allow block moderator
	                                     -- mute watch hand floor
	from_epoch INTEGER NOT NULL DEFAULT 0, -- history-from=join: his first
	PRIMARY KEY (conf, user, list)
) STRICT, WITHOUT ROWID;

-- Files attached to persistent conferences; the bytes lie sealed in files/.
CREATE TABLE attachment (
	conf       TEXT NOT NULL REFERENCES conference ON DELETE CASCADE,
	name       TEXT NOT NULL,            -- as the uploader called it
	file       TEXT NOT NULL,            -- id, random
	size       INTEGER NOT NULL,         -- bytes in clear
	sha256     TEXT NOT NULL,            -- of the clear bytes, hex
	by         TEXT NOT NULL,            -- uploader
	at         INTEGER NOT NULL,
	fk         BLOB NOT NULL,            -- file key, sealed under DBK
	PRIMARY KEY (conf, name)
) STRICT, WITHOUT ROWID;

-- Text kept for persistent conferences, still sealed by its author.
CREATE TABLE history (
	conf       TEXT NOT NULL REFERENCES conference ON DELETE CASCADE,
	line       INTEGER NOT NULL,         -- the MTCU's number, ascending
	at         INTEGER NOT NULL,
	q          INTEGER NOT NULL,         -- device it came from
	user       TEXT NOT NULL,
	epoch      INTEGER NOT NULL,
	body       BLOB NOT NULL,            -- the sealed record
	PRIMARY KEY (conf, line)
) STRICT, WITHOUT ROWID;

-- The text keys of the epochs that kept lines belong to.
CREATE TABLE history_key (
	conf       TEXT NOT NULL REFERENCES conference ON DELETE CASCADE,
	epoch      INTEGER NOT NULL,
	t_e        BLOB NOT NULL,            -- T_e, sealed under DBK
	PRIMARY KEY (conf, epoch)
) STRICT, WITHOUT ROWID;

-- How far members who let the others know have read its kept text. A row
-- goes with the membership.
CREATE TABLE receipt (
	conf       TEXT NOT NULL REFERENCES conference ON DELETE CASCADE,
	user       TEXT NOT NULL,
	line       INTEGER NOT NULL,         -- up to this one
	PRIMARY KEY (conf, user)
) STRICT, WITHOUT ROWID;

-- Persistent conferences that have ended: only the owner may use the name
-- again, under a new id.
CREATE TABLE tombstone (
	name       TEXT NOT NULL PRIMARY KEY,
	id         TEXT NOT NULL,
	owner      TEXT NOT NULL,
	ended      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
