/*
 * Keytab, KDC, databases: looked at by check, health and init.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "db/db.h"
#include "krb/accept.h"
#include "krb/ticket.h"

#include "parts.h"

/* "sip/pal.example.org@EXAMPLE.ORG", and its keytab. */
static void
service_of(const struct conf *conf, char *principal, size_t n, char *keytab)
{
	char name[65];

	admin_server(name, "pal");
	snprintf(principal, n, "sip/%s.%s@%s", name, conf->domain, conf->realm);
	path_keytab(keytab, name);
}

static int
open_keytab(struct report *r, const struct conf *conf, const char *line,
    struct acceptor **a)
{
	char principal[600], keytab[PATH_LEN], why[1200];

	service_of(conf, principal, sizeof(principal), keytab);
	/* No request is looked at here, so no replay cache is written. */
	if (acceptor_open(a, principal, keytab, "/nonexistent", why,
		sizeof(why)) == 0)
		return 0;
	report_line(r, line, 1, "%s", why);
	return -1;
}

void
part_keytab(struct report *r, const struct conf *conf)
{
	char principal[600], keytab[PATH_LEN];
	struct acceptor *a;

	if (open_keytab(r, conf, "keytab", &a) != 0)
		return;
	service_of(conf, principal, sizeof(principal), keytab);
	report_line(r, "keytab", 0, "%s  kvno %d", principal, acceptor_kvno(a));
	acceptor_close(a);
}

void
part_kerberos(struct report *r, const struct conf *conf)
{
	char principal[600], keytab[PATH_LEN], service[600], why[512];
	struct ticket_request req = { .source = TICKET_KEYTAB,
		.realm = conf->realm };
	struct acceptor *a;
	struct ticket t;

	realm_use_lab();
	if (open_keytab(r, conf, "kerberos", &a) != 0)
		return;
	service_of(conf, principal, sizeof(principal), keytab);
	snprintf(service, sizeof(service), "%s", principal);
	*strrchr(service, '@') = '\0';
	req.principal = principal;
	req.service = service;
	req.keytab = keytab;
	/* A ticket by the keytab for itself: both keys are the KDC's then. */
	if (ticket_get(&req, &t, why, sizeof(why)) != 0)
		report_line(r, "kerberos", 1, "%s", why);
	else {
		/* The KDC tells whole seconds. */
		report_line(r, "kerberos", 0,
		    "clock %s%lld s off, keytab "
		    "kvno %d matches",
		    t.ahead > -1000 && t.ahead < 1000 ? "under " : "",
		    t.ahead > -1000 && t.ahead < 1000 ?
			1LL :
			(long long)(t.ahead < 0 ? -t.ahead : t.ahead) / 1000,
		    acceptor_kvno(a));
		ticket_free(&t);
	}
	acceptor_close(a);
}

/* "14 MB", "96 kB". */
static void
put_size(char *out, size_t n, int64_t bytes)
{
	if (bytes >= 10000000)
		snprintf(out, n, "%d MB", (int)(bytes / 1000000));
	else
		snprintf(out, n, "%d kB", (int)((bytes + 999) / 1000));
}

void
part_databases(struct report *r, int sum)
{
	char why[PATH_LEN + 256], size[32];
	int64_t total = 0;
	struct db *d;
	size_t i;
	int e, n = 0, bad = 0;

	for (i = 0; i < PLACE_DBS; i++) {
		e = db_open(&d, place_dbs[i].name, DB_READER, why, sizeof(why));
		if (e == SEC_ERR_NOTHING)
			continue;
		n++;
		if (e != 0) {
			bad = 1;
			report_line(r, sum ? "db" : place_dbs[i].name, 1, "%s",
			    why);
			continue;
		}
		if (db_check(d) != 0) {
			bad = 1;
			report_line(r, sum ? "db" : place_dbs[i].name, 1,
			    "%s: %s", place_dbs[i].name, db_why(d));
		} else if (!sum) {
			put_size(size, sizeof(size), db_size(d));
			report_line(r, place_dbs[i].name, 0,
			    "%s, integrity ok, "
			    "schema %d",
			    size, db_schema(place_dbs[i].name));
		}
		total += db_size(d);
		db_close(d);
	}
	put_size(size, sizeof(size), total);
	if (n == 0)
		report_line(r, "db", 1, "there is none; sec-admin init");
	else if (sum && !bad)
		report_line(r, "db", 0, "%s, integrity ok", size);
}
