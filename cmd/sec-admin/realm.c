/*
 * Principals: kadmin.local on the host that has the realm's database.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/spawn.h"

#include "admin.h"

void
realm_use_lab(void)
{
	const char *dir = getenv("SEC_DIR");
	char path[PATH_LEN];

	if (dir == NULL || *dir == '\0')
		return;
	snprintf(path, sizeof(path), "%s/kdc/kdc.conf", dir);
	if (access(path, R_OK) != 0)
		return;
	(void)setenv("KRB5_KDC_PROFILE", path, 1);
	snprintf(path, sizeof(path), "%s/etc/krb5.conf", dir);
	(void)setenv("KRB5_CONFIG", path, 1);
}

/*
 * One query. The password goes by stdin, which kadmin.local reads twice
 * when it is no terminal. 0, or what its words mean.
 */
static int
query(const struct conf *conf, const char *text, const struct secret *password,
    char *why, size_t whylen)
{
	struct buf in = BUF_INIT, out = BUF_INIT, err = BUF_INIT;
	char path[PATH_LEN];
	const char *argv[] = { spawn_find("kadmin.local", path), "-r",
		conf->realm, "-q", text, NULL };
	const char *e;
	int code, r = 0;

	realm_use_lab();
	if (argv[0] == NULL) {
		snprintf(why, whylen, "there is no kadmin.local here");
		return SEC_ERR_UNREACHABLE;
	}
	if (password != NULL)
		buf_putf(&in, "%s\n%s\n", (const char *)secret_data(password),
		    (const char *)secret_data(password));
	code = spawn_run(argv, buf_data(&in), buf_len(&in), &out, &err);
	e = buf_cstr(&err);
	if (strstr(e, "already exists while") != NULL)
		r = SEC_ERR_NO;
	else if (strstr(e, "Principal does not exist while") != NULL)
		r = SEC_ERR_NOTHING;
	else if (code != 0 || strstr(e, " while ") != NULL)
		r = SEC_ERR_UNREACHABLE;
	/* The last line names the trouble; warnings come before it. */
	if (r != 0) {
		size_t n = strlen(e), k = 0;

		while (n > 0 && e[n - 1] == '\n')
			n--;
		while (k < n && e[n - 1 - k] != '\n')
			k++;
		snprintf(why, whylen, "kadmin.local: %.*s", (int)k, e + n - k);
	}
	buf_free(&in);
	buf_free(&out);
	buf_free(&err);
	return r;
}

int
realm_here(const struct conf *conf, char *why, size_t whylen)
{
	char text[320], said[512];

	snprintf(text, sizeof(text), "getprinc K/M@%s", conf->realm);
	if (query(conf, text, NULL, said, sizeof(said)) == 0)
		return 0;
	snprintf(why, whylen,
	    "no database of %s on this host; make the "
	    "principal where it is, and here use --no-principal",
	    conf->realm);
	return SEC_ERR_UNREACHABLE;
}

int
realm_add(const struct conf *conf, const char *user,
    const struct secret *password, char *why, size_t whylen)
{
	char text[512];

	/* Without pre-authentication there is no SPAKE, and passwords could
	 * be guessed from one answer of the KDC. */
	snprintf(text, sizeof(text), "addprinc +requires_preauth %s@%s", user,
	    conf->realm);
	return query(conf, text, password, why, whylen);
}

int
realm_passwd(const struct conf *conf, const char *user,
    const struct secret *password, char *why, size_t whylen)
{
	char text[512];

	snprintf(text, sizeof(text), "cpw %s@%s", user, conf->realm);
	return query(conf, text, password, why, whylen);
}

int
realm_rm(const struct conf *conf, const char *user, char *why, size_t whylen)
{
	char text[512];

	snprintf(text, sizeof(text), "delprinc -force %s@%s", user,
	    conf->realm);
	return query(conf, text, NULL, why, whylen);
}
