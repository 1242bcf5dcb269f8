/*
 * The lab's realm: an MIT KDC without privileges on the lab's address.
 */
#include <sys/socket.h>

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/proc.h"
#include "base/spawn.h"
#include "crypto/random.h"

#include "lab.h"

#define PASSWORD_LEN 20

/* Letters that nobody mistakes; 5 bits each. */
static void
make_password(char out[PASSWORD_LEN + 1])
{
	static const char letters[] = "abcdefghjkmnpqrstuvwxyz023456789";
	unsigned char raw[PASSWORD_LEN];
	int i;

	crypto_random(raw, sizeof(raw));
	for (i = 0; i < PASSWORD_LEN; i++)
		out[i] = letters[raw[i] % 32];
	out[PASSWORD_LEN] = '\0';
	explicit_bzero(raw, sizeof(raw));
}

/*
 * Each principal that kadmin.local found there already: its user's name goes
 * to cb. How many there were.
 */
static int
each_existing(const char *err,
    void (*cb)(const struct lab *l, const char *user), const struct lab *l)
{
	static const char said[] = "already exists while creating \"";
	const char *s = err;
	char user[128];
	size_t n;
	int found = 0;

	for (; (s = strstr(s, said)) != NULL; s += n) {
		s += strlen(said);
		n = strcspn(s, "@\"\n");
		found++;
		if (n >= sizeof(user))
			continue;
		memcpy(user, s, n);
		user[n] = '\0';
		cb(l, user);
	}
	return found;
}

/* Not ours: sec-admin made him, with a password that we do not know. */
static void
is_anothers(const struct lab *l, const char *user)
{
	/* Or the next attempt took him for a rest of this one. */
	(void)unlink(lab_path(l, "home/%s/.password", user));
	(void)rmdir(lab_path(l, "home/%s", user));
	complain(0,
	    "%s@" LAB_REALM " exists already (sec-admin user add), with a "
	    "password that the lab does not know; choose another name",
	    user);
}

/* Run one of Kerberos' programs on text; what it said is shown on failure. */
static int
run(const struct lab *l, const char *const argv[], struct buf *input)
{
	struct buf out = BUF_INIT, err = BUF_INIT;
	const char *s;
	size_t n;
	int code, taken = 0;

	if (buf_error(input) != 0)
		return SEC_ERR_SYS;
	code = spawn_run(argv, buf_data(input), buf_len(input), &out, &err);
	/* kadmin.local leaves with 0 even when a command failed; but what
	 * is to be deleted need not exist. */
	for (s = buf_cstr(&err); code == 0 && *s != '\0';
	     s += n + (s[n] != 0)) {
		n = strcspn(s, "\n");
		if (strncmp(s, "delete_principal:", 17) != 0 &&
		    memmem(s, n, "while ", 6) != NULL)
			code = 1;
	}
	if (code != 0)
		taken = each_existing(buf_cstr(&err), is_anothers, l);
	if (code != 0 && taken == 0)
		/* Not its stdout: that repeats the commands, passwords too. */
		complain(0, "%s failed (%d):\n%s", argv[0], code,
		    buf_cstr(&err));
	buf_free(&out);
	buf_free(&err);
	return code == 0 ? 0 : taken > 0 ? SEC_ERR_NO : SEC_ERR_SYS;
}

static int
kadmin(const struct lab *l, struct buf *commands)
{
	const char *argv[] = { lab_program("kadmin.local"), "-r", LAB_REALM,
		NULL };

	return run(l, argv, commands);
}

/* What may fail, without a word. */
static void
kadmin_try(struct buf *commands)
{
	const char *argv[] = { lab_program("kadmin.local"), "-r", LAB_REALM,
		NULL };
	struct buf out = BUF_INIT, err = BUF_INIT;

	(void)spawn_run(argv, buf_data(commands), buf_len(commands), &out,
	    &err);
	buf_free(&out);
	buf_free(&err);
}

int
kdc_make(const struct lab *l)
{
	const char *argv[] = { lab_program("kdb5_util"), "-r", LAB_REALM,
		"create", "-s", NULL };
	struct buf in = BUF_INIT;
	char master[PASSWORD_LEN + 1];
	int r;

	lab_setenv_kdc(l);
	if (access(lab_path(l, "etc/pal.keytab"), F_OK) == 0 &&
	    access(lab_path(l, "kdc/principal"), F_OK) == 0)
		return 0;
	/* The rest of an attempt that was cut short. */
	(void)unlink(lab_path(l, "kdc/principal"));
	(void)unlink(lab_path(l, "kdc/principal.ok"));
	(void)unlink(lab_path(l, "kdc/principal.kadm5"));
	(void)unlink(lab_path(l, "kdc/principal.kadm5.lock"));
	(void)unlink(lab_path(l, "etc/pal.keytab"));
	make_password(master);
	buf_putf(&in, "%s\n%s\n", master, master);
	explicit_bzero(master, sizeof(master));
	r = run(l, argv, &in);
	buf_free(&in);
	if (r != 0)
		return r;
	buf_putf(&in,
	    "addprinc -randkey sip/pal." LAB_DOMAIN "\n"
	    "ktadd -k \"%s\" sip/pal." LAB_DOMAIN "\n",
	    lab_path(l, "etc/pal.keytab"));
	r = kadmin(l, &in);
	buf_free(&in);
	return r;
}

int
kdc_add_users(const struct lab *l, char *const *users, int n)
{
	struct buf in = BUF_INIT, commands = BUF_INIT, leftover = BUF_INIT;
	char password[PASSWORD_LEN + 1];
	int i, r = 0, new = 0, again;

	lab_setenv_kdc(l);
	/*
	 * The file is written first, under another name: a user is one once
	 * both principal and password are there.
	 */
	for (i = 0; i < n && r == 0; i++) {
		if (lab_has_user(l, users[i]))
			continue;
		if ((r = tree_make_home(l, users[i])) != 0)
			break;
		/* An attempt that was cut short may have made him already;
		 * kadmin.local fails as a whole when one line does. */
		again = access(lab_path(l, "home/%s/.password", users[i]),
			    F_OK) == 0;
		make_password(password);
		buf_putf(&in, "%s\n", password);
		r = proc_write_file(lab_path(l, "home/%s/.password", users[i]),
		    buf_data(&in), buf_len(&in), 0600);
		buf_free(&in);
		if (again)
			buf_putf(&leftover, "delprinc -force %s\n", users[i]);
		buf_putf(&commands, "addprinc -pw %s %s\n", password, users[i]);
		new ++;
	}
	explicit_bzero(password, sizeof(password));
	if (r == 0 && buf_len(&leftover) > 0)
		kadmin_try(&leftover);
	if (r == 0 && new > 0)
		r = kadmin(l, &commands);
	buf_free(&leftover);
	buf_free(&commands);
	for (i = 0; i < n && r == 0; i++)
		if (!lab_has_user(l, users[i]) &&
		    rename(lab_path(l, "home/%s/.password", users[i]),
			lab_path(l, "home/%s/password", users[i])) != 0)
			r = complain(SEC_ERR_DISK, "%s/home/%s: %s", l->shown,
			    users[i], strerror(errno));
	return r;
}

void
kdc_argv(const struct lab *l, const char *argv[8])
{
	argv[0] = lab_program("krb5kdc");
	argv[1] = "-n";
	argv[2] = "-r";
	argv[3] = LAB_REALM;
	argv[4] = "-P";
	argv[5] = lab_path(l, "kdc/pid");
	argv[6] = NULL;
}

int
kdc_wait(const struct lab *l, int ms)
{
	int64_t until = clock_mono() + ms;
	struct sockaddr_in in;
	int fd, r;

	memset(&in, 0, sizeof(in));
	in.sin_family = AF_INET;
	in.sin_port = htons(LAB_KDC_PORT);
	if (inet_pton(AF_INET, l->address, &in.sin_addr) != 1)
		return SEC_ERR_DATA;
	do {
		fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd < 0)
			return SEC_ERR_SYS;
		r = connect(fd, (struct sockaddr *)&in, sizeof(in));
		close(fd);
		if (r == 0)
			return 0;
		(void)poll(NULL, 0, 5);
	} while (clock_mono() < until);
	return SEC_ERR_UNREACHABLE;
}
