/* show and check: what is held here, never a byte of a key. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/path.h"
#include "base/text.h"
#include "crypto/dh.h"
#include "crypto/digest.h"
#include "ctl/epochs.h"

#include "verbs.h"

#define FINGERPRINT 25

/* First 25 letters of base32 of SHA-256(public key). */
static char *
fingerprint(const uint8_t pub[32], char out[FINGERPRINT + 1])
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";
	uint8_t h[SHA256_SIZE];
	unsigned bits = 0, have = 0, n = 0, i = 0;

	sha256(pub, 32, h);
	while (n < FINGERPRINT) {
		if (have < 5) {
			bits = bits << 8 | h[i++];
			have += 8;
		}
		have -= 5;
		out[n++] = letters[bits >> have & 31];
	}
	out[n] = '\0';
	return out;
}

static int
wanted(const struct options *o, const char *name)
{
	int i;

	for (i = 0; i < o->argc; i++)
		if (strcmp(o->argv[i], name) == 0)
			return 1;
	return o->argc == 0;
}

static int
check_names(const struct options *o, const struct servers *s)
{
	int i;

	for (i = 0; i < o->argc; i++)
		if (servers_by_name(s, o->argv[i]) == NULL)
			return fail(SEC_ERR_NOTHING, "%s is not in servers",
			    o->argv[i]);
	return 0;
}

/* Names of an epoch's servers in the order of their numbers. */
static void
put_names(struct buf *b, const struct servers *s, const struct server *own,
    const struct epochs_info *info)
{
	const struct server *sv;
	size_t i, k;

	for (i = 0; i < s->n; i++) {
		sv = &s->server[i];
		for (k = 0; k < info->npairs; k++)
			if (info->number[k] == sv->number)
				break;
		if (k < info->npairs || sv == own)
			buf_putf(b, " %s", sv->name);
	}
}

static void
print_json_epoch(const struct servers *s, const struct server *own,
    const struct epochs_info *info, const char *id, uint32_t epoch)
{
	struct buf names = BUF_INIT;
	struct json j;
	char *p;

	put_names(&names, s, own, info);
	for (p = (char *)buf_data(&names); p != NULL && *p != '\0'; p++)
		if (*p == ' ')
			*p = ',';
	json_begin(&j);
	json_str(&j, "key", id);
	json_int(&j, "epoch", epoch);
	json_time(&j, "time", info->time);
	json_str(&j, "by", s->server[0].name);
	json_list(&j, "servers", buf_cstr(&names) + 1);
	json_str(&j, "server", own->name);
	json_end(&j, 1);
	buf_free(&names);
}

/* One line for an epoch, unless the same stands there already: several
 * servers of this host hold the same one. */
static void
put_epoch(struct buf *all, const struct servers *s, const struct server *own,
    const struct epochs *e, uint32_t epoch, enum emit_mode mode)
{
	struct buf b = BUF_INIT;
	struct epochs_info info;
	char id[10], at[32];

	if (epochs_info(e, epoch, &info) != 0 || epochs_id(e, epoch, id) != 0)
		return;
	if (mode == EMIT_JSON) {
		print_json_epoch(s, own, &info, id, epoch);
		return;
	}
	if (mode == EMIT_QUIET)
		buf_put_str(&b, id);
	else {
		buf_putf(&b, "%s  epoch %u  made %s by %s  servers", id, epoch,
		    clock_hhmm(info.time, at), s->server[0].name);
		put_names(&b, s, own, &info);
	}
	buf_put_u8(&b, '\n');
	if (strstr(buf_cstr(all), buf_cstr(&b)) == NULL)
		buf_put(all, buf_data(&b), buf_len(&b));
	buf_free(&b);
}

static void
put_epochs(struct buf *all, const struct options *o, const struct servers *s,
    const struct server *own, const struct epochs *e)
{
	uint32_t last = epochs_last(e), n;
	char id[10];

	for (n = last; n > 0 && epochs_id(e, n, id) == 0; n--) {
		put_epoch(all, s, own, e, n, o->mode);
		if (!o->all)
			break;
	}
	if (last == 0)
		emit_note(o->mode, "%s has no epoch yet (sec-keygen lead)",
		    own->name);
}

static int
show_all(const struct options *o, const struct servers *s, struct buf *all)
{
	const struct server *sv;
	struct epochs *e;
	char why[400];
	int code = 0, found = 0, r;
	size_t i;

	for (i = 0; i < s->n; i++) {
		sv = &s->server[i];
		if (!wanted(o, sv->name))
			continue;
		r = epochs_open(&e, sv->name, why, sizeof(why));
		if (r == SEC_ERR_NOTHING && o->argc == 0)
			continue;
		found = 1;
		if (r != 0) {
			code = fail(r, "%s", why);
			continue;
		}
		put_epochs(all, o, s, sv, e);
		epochs_close(e);
	}
	return found ? code : fail(SEC_ERR_NOTHING, "no server's keys here");
}

int
verb_show(const struct options *o)
{
	struct servers *s;
	struct buf all = BUF_INIT;
	int r;

	if ((s = calloc(1, sizeof(*s))) == NULL)
		return fail(SEC_ERR_SYS, "no memory");
	if ((r = read_servers(s)) == 0 && (r = check_names(o, s)) == 0) {
		r = show_all(o, s, &all);
		emit_write(1, buf_data(&all), buf_len(&all));
	}
	buf_free(&all);
	free(s);
	return r;
}

/* --- check --- */

static int
check_one(const struct options *o, const struct server *sv)
{
	struct epochs *e = NULL;
	char why[1500], words[FINGERPRINT + 1], held[48] = "not here";
	uint32_t last = 0;
	struct json j;
	int code = 0, r;

	r = epochs_open(&e, sv->name, why, sizeof(why));
	if (r == 0) {
		if ((r = epochs_check_line(e, sv, why, sizeof(why))) != 0)
			code = fail(r, "%s", why);
		if ((last = epochs_last(e)) > 0)
			snprintf(held, sizeof(held), "epoch %u", last);
		else
			snprintf(held, sizeof(held), "no epoch yet");
		epochs_close(e);
	} else if (r != SEC_ERR_NOTHING)
		code = fail(r, "%s", why);
	fingerprint(sv->pub, words);
	if (o->mode == EMIT_JSON) {
		json_begin(&j);
		json_int(&j, "number", sv->number);
		json_str(&j, "server", sv->name);
		json_str(&j, "fingerprint", words);
		json_int(&j, "epoch", last);
		json_bool(&j, "ok", code == 0);
		json_end(&j, 1);
	} else if (o->mode == EMIT_QUIET)
		emit_line("%s", words);
	else
		emit_line("%d  %s  %s  %s  %s", sv->number, sv->name, words,
		    held, code == 0 ? "ok" : "BAD");
	return code;
}

/* So that people can compare the files of two hosts. */
static void
print_file(const struct servers *s)
{
	struct buf b = BUF_INIT;
	uint8_t h[SHA512_SIZE];

	servers_canonical(s, &b);
	sha512(buf_data(&b), buf_len(&b), h);
	emit_line("servers  %02x%02x-%02x%02x  %zu server%s", h[0], h[1], h[2],
	    h[3], s->n, text_plural(s->n));
	buf_free(&b);
}

int
verb_check(const struct options *o)
{
	struct servers *s;
	size_t i;
	int r, code;

	if ((s = calloc(1, sizeof(*s))) == NULL)
		return fail(SEC_ERR_SYS, "no memory");
	if ((r = read_servers(s)) == 0 && (r = check_names(o, s)) == 0) {
		if (o->mode == EMIT_TABLE)
			print_file(s);
		for (i = 0; i < s->n; i++)
			if (wanted(o, s->server[i].name) &&
			    (code = check_one(o, &s->server[i])) != 0)
				r = code;
	}
	free(s);
	return r;
}
