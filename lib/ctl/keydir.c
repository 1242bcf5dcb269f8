/*
 * The keys of one server on disk, keys/NAME/ (SECURITY.md 3.2):
 *
 *   identity    X25519 secret, base64, one line
 *   epoch.N     "SJK1" deal of epoch N (wire/handshake), base64, one line
 *   dealer.N    server 1 only: secret from which the pair keys are derived
 *   psk.N       optional pre-shared key toward server N
 */
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/text.h"
#include "wire/base64.h"

#include "ctl/keydir.h"

#define FILE_MAX 32768

void
epoch_free(struct epoch *ep)
{
	size_t i;

	if (ep == NULL)
		return;
	secret_free(ep->k);
	secret_free(ep->dealer);
	for (i = 0; i < ep->npairs; i++)
		secret_free(ep->pair[i].key);
	free(ep->pair);
	free(ep);
}

struct epoch *
epoch_of_deal(const struct hs_deal *d)
{
	struct epoch *ep;
	size_t i;

	ep = mem_new(sizeof(*ep));
	ep->number = d->epoch;
	ep->not_before = d->not_before;
	ep->not_after = d->not_after;
	ep->time = d->time;
	ep->k = secret_copy(d->k, sizeof(d->k));
	ep->npairs = d->npairs;
	ep->pair = mem_new((d->npairs + 1) * sizeof(*ep->pair));
	for (i = 0; i < d->npairs; i++) {
		ep->pair[i].number = d->pair[i].number;
		ep->pair[i].key = secret_copy(d->pair[i].p, KEYDIR_KEY);
	}
	return ep;
}

struct epoch *
held_find(const struct held *h, uint32_t number)
{
	struct epoch *ep;

	TAILQ_FOREACH(ep, &h->list, entry)
		if (ep->number == number)
			return ep;
	return NULL;
}

/* In the order of numbers; replaces one of the same number. */
void
held_insert(struct held *h, struct epoch *ep)
{
	struct epoch *old, *at;

	if ((old = held_find(h, ep->number)) != NULL) {
		TAILQ_REMOVE(&h->list, old, entry);
		if (ep->dealer == NULL) {
			ep->dealer = old->dealer;
			old->dealer = NULL;
		}
		epoch_free(old);
	}
	TAILQ_FOREACH(at, &h->list, entry)
		if (at->number > ep->number)
			break;
	if (at != NULL)
		TAILQ_INSERT_BEFORE(at, ep, entry);
	else
		TAILQ_INSERT_TAIL(&h->list, ep, entry);
	if (ep->number > h->highest)
		h->highest = ep->number;
}

void
held_free(struct held *h)
{
	struct epoch *ep;
	size_t i;

	secret_free(h->identity);
	h->identity = NULL;
	for (i = 0; i < sizeof(h->psk) / sizeof(h->psk[0]); i++) {
		secret_free(h->psk[i]);
		h->psk[i] = NULL;
	}
	while ((ep = TAILQ_FIRST(&h->list)) != NULL) {
		TAILQ_REMOVE(&h->list, ep, entry);
		epoch_free(ep);
	}
}

/* --- files --- */

/* Length of the one line without its LF. */
static size_t
one_line(const char *text, size_t n)
{
	return n > 0 && text[n - 1] == '\n' ? n - 1 : n;
}

int
epochs_parse_key(struct secret **key, const char *text, size_t n)
{
	struct buf b = BUF_INIT;
	int r;

	if ((r = base64_decode(&b, text, one_line(text, n))) == 0 &&
	    buf_len(&b) != KEYDIR_KEY)
		r = SEC_ERR_FORMAT;
	if (r == 0)
		*key = secret_copy(buf_data(&b), KEYDIR_KEY);
	buf_free(&b);
	return r;
}

int
epochs_parse_deal(struct hs_deal *d, const char *text, size_t n)
{
	struct buf b = BUF_INIT;
	int r;

	if ((r = base64_decode(&b, text, one_line(text, n))) == 0)
		r = hs_deal_decode(d, buf_data(&b), buf_len(&b));
	if (r == 0 && d->epoch == 0)
		r = SEC_ERR_FORMAT;
	buf_free(&b);
	return r;
}

/* Root writes for the daemon whose directory it is. */
static void
give_to_owner(const char *dir, const char *path)
{
	struct stat st;

	if (geteuid() == 0 && stat(dir, &st) == 0 && st.st_uid != 0 &&
	    lchown(path, st.st_uid, st.st_gid) == -1)
		log_error("keys.owner", "file=%s reason=%s", log_quote(path),
		    log_quote(strerror(errno)));
}

int
keydir_write(const char *dir, const char *file, const void *p, size_t n)
{
	struct buf b = BUF_INIT;
	char path[KEYDIR_PATH];
	int r;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	base64_put(&b, p, n);
	buf_put_u8(&b, '\n');
	if ((r = buf_error(&b)) == 0)
		r = proc_write_file(path, buf_data(&b), buf_len(&b), 0400);
	if (r == 0)
		give_to_owner(dir, path);
	buf_free(&b);
	return r;
}

int
keydir_write_deal(const char *dir, const struct hs_deal *d)
{
	struct buf b = BUF_INIT;
	char file[32];
	int r;

	snprintf(file, sizeof(file), "epoch.%u", d->epoch);
	hs_deal_encode(&b, d);
	if ((r = buf_error(&b)) == 0)
		r = keydir_write(dir, file, buf_data(&b), buf_len(&b));
	buf_free(&b);
	return r;
}

/* A whole file of keys; the caller wipes and frees *text. */
static int
read_text(const char *dir, const char *file, char **text, size_t *n, char *why,
    size_t whylen)
{
	char path[KEYDIR_PATH];
	int r;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	if ((r = proc_is_private(path, why, whylen)) != 0)
		return r;
	if ((r = proc_read_file(path, FILE_MAX, text, n)) != 0)
		return sec_refuse(r, why, whylen, "%s: %s", path,
		    sec_strerror(r));
	return 0;
}

int
keydir_read_key(const char *dir, const char *file, struct secret **key,
    char *why, size_t whylen)
{
	char *text;
	size_t n;
	int r;

	if ((r = read_text(dir, file, &text, &n, why, whylen)) != 0)
		return r;
	if (epochs_parse_key(key, text, n) != 0)
		r = sec_refuse(SEC_ERR_CONFIG, why, whylen,
		    "%s/%s: not a key of 32 bytes in base64", dir, file);
	explicit_bzero(text, n);
	free(text);
	return r;
}

static int
read_epoch(const char *dir, uint32_t number, struct held *h, char *why,
    size_t whylen)
{
	struct hs_deal d;
	char file[32], *text;
	size_t n;
	int r;

	snprintf(file, sizeof(file), "epoch.%u", number);
	if ((r = read_text(dir, file, &text, &n, why, whylen)) != 0)
		return r;
	if (epochs_parse_deal(&d, text, n) != 0 || d.epoch != number)
		r = sec_refuse(SEC_ERR_CONFIG, why, whylen,
		    "%s/%s: not the keys of an epoch", dir, file);
	else
		held_insert(h, epoch_of_deal(&d));
	explicit_bzero(&d, sizeof(d));
	explicit_bzero(text, n);
	free(text);
	return r;
}

/* "epoch.17" with prefix "epoch." is 17; anything else 0. */
static uint32_t
file_number(const char *file, const char *prefix)
{
	unsigned long long n;
	size_t len = strlen(prefix);

	if (strncmp(file, prefix, len) != 0 ||
	    text_number(file + len, 1, UINT32_MAX, &n) != 0)
		return 0;
	return (uint32_t)n;
}

static int
read_entry(const char *dir, const char *file, struct held *h, char *why,
    size_t whylen)
{
	uint32_t n;

	if ((n = file_number(file, "epoch.")) != 0)
		return read_epoch(dir, n, h, why, whylen);
	if ((n = file_number(file, "psk.")) != 0 && n <= SERVERS_MAX)
		return keydir_read_key(dir, file, &h->psk[n], why, whylen);
	if ((n = file_number(file, "dealer.")) != 0 && n > h->highest)
		h->highest = n;
	return 0;
}

/* Dealer secrets belong to epochs, which are there by now. */
static int
read_dealers(const char *dir, struct held *h, char *why, size_t whylen)
{
	struct epoch *ep;
	char file[32];
	int r;

	TAILQ_FOREACH(ep, &h->list, entry) {
		snprintf(file, sizeof(file), "dealer.%u", ep->number);
		r = keydir_read_key(dir, file, &ep->dealer, why, whylen);
		if (r != 0 && r != SEC_ERR_NOTHING)
			return r;
	}
	return 0;
}

int
held_read(struct held *h, const char *dir, char *why, size_t whylen)
{
	struct dirent *de;
	DIR *dp;
	int r;

	if ((r = proc_is_private(dir, why, whylen)) != 0 ||
	    (r = keydir_read_key(dir, "identity", &h->identity, why, whylen)) !=
		0)
		return r;
	if ((dp = opendir(dir)) == NULL)
		return sec_refuse(SEC_ERR_SYS, why, whylen, "%s: %s", dir,
		    strerror(errno));
	while (r == 0 && (de = readdir(dp)) != NULL) {
		r = read_entry(dir, de->d_name, h, why, whylen);
		/* Another process may prune between readdir() and open(). */
		if (r == SEC_ERR_NOTHING)
			r = 0;
	}
	closedir(dp);
	return r == 0 ? read_dealers(dir, h, why, whylen) : r;
}
