-- pal.db: what sec-pal knows of users and objects. Written by sec-pal only;
-- sec-confctl reads it for preferences and bindings. Presence and PALs are
-- in clear here; no key, password or ticket ever is.
-- Times are milliseconds since 1970 UTC unless a column says otherwise.
-- A user is named by the part of his principal before the @.

-- Everybody who has registered once, or was made by `sec-admin user add`.
CREATE TABLE user (
	user     TEXT NOT NULL PRIMARY KEY,
	title    TEXT NOT NULL DEFAULT '',   -- full name; may be empty
	known    INTEGER NOT NULL DEFAULT 0, -- 1: made by sec-admin
	disabled INTEGER NOT NULL DEFAULT 0, -- 1: registration is refused
	created  INTEGER NOT NULL,
	seen     INTEGER NOT NULL            -- last registration or its end;
	                                     -- 0: never
) STRICT, WITHOUT ROWID;

-- Registrations: one row per running agent (instance) of a user.
CREATE TABLE binding (
	user     TEXT NOT NULL REFERENCES user ON DELETE CASCADE,
	instance TEXT NOT NULL,              -- 32 hex digits, RFC 5626
	via      TEXT NOT NULL,              -- voip, web, wap, phone
	contact  TEXT NOT NULL,              -- IP:port or tel:; shown, and
	                                     -- called only if a telephone
	media    TEXT NOT NULL,              -- "text,voice"
	since    INTEGER NOT NULL,           -- first registration of it
	until    INTEGER NOT NULL,           -- it ends then if not refreshed
	PRIMARY KEY (user, instance)
) STRICT, WITHOUT ROWID;
CREATE INDEX binding_until ON binding (until);

-- How a user wants to be reached for a medium (rows `reach`), in order.
CREATE TABLE preference (
	user     TEXT NOT NULL REFERENCES user ON DELETE CASCADE,
	ord      INTEGER NOT NULL,           -- 1 is tried first
	media    TEXT NOT NULL,              -- text, voice
	by       TEXT NOT NULL,              -- voip, phone
	tel      TEXT NOT NULL,              -- +15551234567, or empty
	PRIMARY KEY (user, ord, media)
) STRICT, WITHOUT ROWID;

-- The status that a user last published, of whichever instance.
CREATE TABLE status (
	user     TEXT NOT NULL PRIMARY KEY REFERENCES user ON DELETE CASCADE,
	value    TEXT NOT NULL,              -- available, coffee, ...
	class    TEXT NOT NULL,              -- available busy away offline
	note     TEXT NOT NULL,              -- free text of the user
	since    INTEGER NOT NULL,
	until    INTEGER NOT NULL,           -- 0: for good
	-- What a timed one (until) goes back to; '' is available.
	prev_value TEXT NOT NULL DEFAULT '',
	prev_class TEXT NOT NULL DEFAULT '',
	prev_note  TEXT NOT NULL DEFAULT ''
) STRICT, WITHOUT ROWID;
CREATE INDEX status_until ON status (until) WHERE until > 0;

-- PALs: whom or what a user watches. No expiry.
CREATE TABLE entry (
	owner    TEXT NOT NULL REFERENCES user ON DELETE CASCADE,
	uri      TEXT NOT NULL,              -- sip:bob@..., a conference, an
	                                     -- object
	id       TEXT NOT NULL DEFAULT '',   -- conference id, so that a later
	                                     -- one of that name is another
	attrs    TEXT NOT NULL,              -- "status,note" or "*"
	added    INTEGER NOT NULL,
	label    TEXT NOT NULL DEFAULT '',   -- the owner's own note on it
	PRIMARY KEY (owner, uri)
) STRICT, WITHOUT ROWID;
CREATE INDEX entry_uri ON entry (uri);

-- Things other than people that have a presence: sip:NAME@TYPE.DOMAIN.
CREATE TABLE object (
	type     TEXT NOT NULL,              -- lamp; types stand in `types`
	name     TEXT NOT NULL,              -- bedroom
	owner    TEXT NOT NULL,              -- user, or "group:G"
	title    TEXT NOT NULL DEFAULT '',
	created  INTEGER NOT NULL,
	PRIMARY KEY (type, name)
) STRICT, WITHOUT ROWID;

-- Published attributes of objects and, beyond the status, of users.
CREATE TABLE attribute (
	uri      TEXT NOT NULL,              -- of the object or user
	name     TEXT NOT NULL,              -- [a-z][a-z0-9_]{0,31}
	value    TEXT NOT NULL,
	by       TEXT NOT NULL,              -- user who published it
	since    INTEGER NOT NULL,
	until    INTEGER NOT NULL,           -- then it shows as stale
	PRIMARY KEY (uri, name)
) STRICT, WITHOUT ROWID;

-- Subscriptions (RFC 6665) that outlive a restart of sec-pal.
CREATE TABLE subscription (
	id       TEXT NOT NULL PRIMARY KEY,  -- the subscriber's dialog
	user     TEXT NOT NULL,              -- subscriber
	instance TEXT NOT NULL,              -- his agent
	event    TEXT NOT NULL,              -- presence, conference
	target   TEXT NOT NULL,              -- URI
	why      TEXT NOT NULL,              -- participant, rule, owner: what
	                                     -- gave the permission
	until    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX subscription_target ON subscription (target);

-- Who may watch whom; the first match in the order of ord wins.
CREATE TABLE rule (
	name     TEXT NOT NULL PRIMARY KEY,
	ord      INTEGER NOT NULL UNIQUE,
	allow    INTEGER NOT NULL,           -- 1 allow, 0 deny
	who      TEXT NOT NULL,              -- user, group:G, org:O, '' = any
	whom     TEXT NOT NULL,              -- the same, or TYPE:*
	same_org INTEGER NOT NULL,           -- 1: org=org was written
	attrs    TEXT NOT NULL               -- names, or '' = all
) STRICT, WITHOUT ROWID;
