-- dir.db: the directory of people, organisations and groups. Written by
-- sec-pal only. Times are milliseconds since 1970 UTC. `folded` is by
-- base/fold: what people take for the same word is the same text.

-- A person, whether or not there is a user of that name.
CREATE TABLE person (
	user    TEXT NOT NULL PRIMARY KEY,   -- before the @
	sort    TEXT NOT NULL,               -- his name, folded: the order
	changed INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX person_sort ON person (sort, user);

-- What is known of him. Any attribute may have several values; a group is
-- a value of `groups`.
CREATE TABLE attribute (
	user    TEXT NOT NULL,               -- person; no reference: looking
	                                     -- him up for each row is a fifth
	                                     -- of an import
	ord     INTEGER NOT NULL,            -- 0 is the user name itself
	attr    TEXT NOT NULL,               -- name, org, phone, ...
	value   TEXT NOT NULL,               -- as it was written
	key     TEXT NOT NULL,               -- folded
	sort    TEXT NOT NULL,               -- the person's: answers come in
	                                     -- order out of the index alone
	PRIMARY KEY (user, ord)
) STRICT, WITHOUT ROWID;
CREATE INDEX attribute_key ON attribute (attr, key, sort, user);

-- An organisation, by the number or word that people use for it.
CREATE TABLE organisation (
	key     TEXT NOT NULL PRIMARY KEY,   -- org, folded
	org     TEXT NOT NULL,               -- "1256"
	name    TEXT NOT NULL DEFAULT '',    -- "Research"
	parent  TEXT NOT NULL DEFAULT ''     -- key of the one above; '': none
) STRICT, WITHOUT ROWID;
CREATE INDEX organisation_parent ON organisation (parent);

-- Groups cut across organisations; rules and objects name them.
CREATE TABLE grouping (
	name    TEXT NOT NULL PRIMARY KEY,   -- "helpdesk"
	title   TEXT NOT NULL DEFAULT ''
) STRICT, WITHOUT ROWID;
