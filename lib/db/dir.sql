-- dir.db: the directory of people, organisations and groups. Written by
-- sec-pal only. Times are milliseconds since 1970 UTC.

-- A person, whether or not there is a user of that name.
CREATE TABLE person (
	user    TEXT NOT NULL PRIMARY KEY,   -- before the @
	name    TEXT NOT NULL,               -- "Bob Field"
	org     TEXT NOT NULL DEFAULT '',    -- organisation.org
	title   TEXT NOT NULL DEFAULT '',    -- what he does
	mail    TEXT NOT NULL DEFAULT '',
	phone   TEXT NOT NULL DEFAULT '',    -- +15550101
	changed INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX person_org ON person (org);

-- An organisation, by the number or word that people use for it.
CREATE TABLE organisation (
	org     TEXT NOT NULL PRIMARY KEY,   -- "1256"
	name    TEXT NOT NULL,
	parent  TEXT NOT NULL DEFAULT ''     -- org above it; '': none
) STRICT, WITHOUT ROWID;

-- Groups cut across organisations; rules and objects name them.
CREATE TABLE grouping (
	name    TEXT NOT NULL PRIMARY KEY,   -- "helpdesk"
	title   TEXT NOT NULL DEFAULT ''
) STRICT, WITHOUT ROWID;

CREATE TABLE grouping_member (
	name    TEXT NOT NULL REFERENCES grouping ON DELETE CASCADE,
	user    TEXT NOT NULL,
	PRIMARY KEY (name, user)
) STRICT, WITHOUT ROWID;
CREATE INDEX grouping_member_user ON grouping_member (user);
