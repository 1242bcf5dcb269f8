/* Where things are: COMMANDS.md 3's table in code. */

#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/proc.h"
#include "base/siphash.h"
#include "base/text.h"

#include "base/path.h"

/* What a Unix socket's address holds is 108; README and manual say 100. */
#define SOCKET_MAX 100

enum place { PLACE_DIR, PLACE_SYSTEM, PLACE_USER };

__attribute__((format(printf, 2, 3))) static char *
put(char *out, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(out, PATH_LEN, fmt, ap);
	va_end(ap);
	if (n < 0 || n >= PATH_LEN)
		die(sec_err_exit(SEC_ERR_DATA), "path too long: %.60s...", out);
	return out;
}

static const char *
login_name(void)
{
	const struct passwd *pw = getpwuid(geteuid());

	return pw != NULL && pw->pw_name[0] != '\0' ? pw->pw_name : NULL;
}

/* $SEC_DIR, made absolute; dir has PATH_LEN bytes. */
static enum place
where(char *dir)
{
	const char *s = getenv("SEC_DIR"), *name;
	char cwd[PATH_MAX];
	size_t n;

	if (s != NULL && *s != '\0') {
		if (*s == '/')
			put(dir, "%s", s);
		else if (getcwd(cwd, sizeof(cwd)) != NULL)
			put(dir, "%s/%s", cwd, s);
		else
			die(sec_err_exit(SEC_ERR_SYS), "getcwd: %s",
			    strerror(errno));
		for (n = strlen(dir); n > 1 && dir[n - 1] == '/'; n--)
			dir[n - 1] = '\0';
		return PLACE_DIR;
	}
	if (geteuid() == 0)
		return PLACE_SYSTEM;
	name = login_name();
	if (name != NULL && strncmp(name, "sec-", 4) == 0)
		return PLACE_SYSTEM;
	return PLACE_USER;
}

/* $var/sec, or ~/rest/sec. The XDG specification wants paths that are not
 * absolute ignored. */
static char *
xdg(char *out, const char *var, const char *rest)
{
	const char *s = getenv(var), *home = getenv("HOME");
	const struct passwd *pw;

	if (s != NULL && *s == '/')
		return put(out, "%s/sec", s);
	if (home == NULL || *home != '/') {
		pw = getpwuid(geteuid());
		home = pw != NULL ? pw->pw_dir : "/";
	}
	return put(out, "%s/%s/sec", home, rest);
}

/* DIR/SUB/..., SYSTEM/... or the user's state directory/... */
static char *
state(char *out, const char *sub, const char *system, const char *rest,
    const char *name, const char *suffix)
{
	char dir[PATH_LEN];

	switch (where(dir)) {
	case PLACE_DIR:
		return put(out, "%s/%s/%s%s%s", dir, sub, rest, name, suffix);
	case PLACE_SYSTEM:
		return put(out, "%s/%s%s%s", system, rest, name, suffix);
	case PLACE_USER: break;
	}
	xdg(dir, "XDG_STATE_HOME", ".local/state");
	return put(out, "%s/%s%s%s", dir, rest, name, suffix);
}

char *
path_config(char *out)
{
	char dir[PATH_LEN];

	if (where(dir) == PLACE_DIR)
		return put(out, "%s/etc/sec.conf", dir);
	return put(out, "/etc/sec/sec.conf");
}

char *
path_user_config(char *out)
{
	char dir[PATH_LEN];

	if (where(dir) != PLACE_USER)
		return put(out, "%s", "");
	xdg(dir, "XDG_CONFIG_HOME", ".config");
	return put(out, "%s/sec.conf", dir);
}

char *
path_servers(char *out)
{
	return state(out, "etc", "/etc/sec", "servers", "", "");
}

char *
path_rules(char *out)
{
	return state(out, "etc", "/etc/sec", "rules", "", "");
}

char *
path_types(char *out)
{
	return state(out, "etc", "/etc/sec", "types", "", "");
}

char *
path_keytab(char *out, const char *name)
{
	return state(out, "etc", "/etc/sec", "", name, ".keytab");
}

char *
path_keys(char *out, const char *name)
{
	return state(out, "lib", "/var/lib/sec", "keys/", name, "");
}

char *
path_db(char *out, const char *file)
{
	return state(out, "lib", "/var/lib/sec", "", file, "");
}

char *
path_files(char *out)
{
	return state(out, "lib", "/var/lib/sec", "files", "", "");
}

/* Directory of sockets as the table has it, and the mode to make it with. */
static char *
run_dir(char *out, mode_t *mode)
{
	const char *s = getenv("XDG_RUNTIME_DIR");
	char dir[PATH_LEN];

	*mode = 0755;
	switch (where(dir)) {
	case PLACE_DIR: return put(out, "%s/run", dir);
	case PLACE_SYSTEM: return put(out, "/run/sec");
	case PLACE_USER: break;
	}
	*mode = 0700;
	if (s != NULL && *s == '/')
		return put(out, "%s/sec", s);
	/* No such place: what no socket's path can hold leads to /tmp. */
	return put(out, "%s", "");
}

/* /tmp/sec-UID-HASH for dir: a name of its own for each directory. */
static char *
short_dir(char *out, const char *dir)
{
	static const uint8_t key[16] = "sec run dir";

	return put(out, "/tmp/sec-%u-%08x", (unsigned int)geteuid(),
	    (unsigned int)(siphash24(key, dir, strlen(dir)) >> 32));
}

/* Anybody may make a directory of this name in /tmp before us. */
static int
is_ours(const char *dir)
{
	struct stat st;

	return lstat(dir, &st) == 0 && S_ISDIR(st.st_mode) &&
	    st.st_uid == geteuid() && (st.st_mode & 077) == 0;
}

static char *
make_short_dir(char *out, const char *dir)
{
	short_dir(out, dir);
	if (mkdir(out, 0700) != 0 && errno != EEXIST)
		die(sec_err_exit(SEC_ERR_SYS), "%s: %s", out, strerror(errno));
	if (!is_ours(out))
		die(sec_err_exit(SEC_ERR_DENIED),
		    "%s: not a directory of mine alone; remove it", out);
	return out;
}

char *
path_run(char *out, const char *name)
{
	char dir[PATH_LEN], alt[PATH_LEN];
	mode_t mode;

	run_dir(dir, &mode);
	if (*dir == '\0' || strlen(dir) + 1 + strlen(name) > SOCKET_MAX)
		return put(out, "%s/%s", make_short_dir(alt, dir), name);
	/* Whoever needs the directory will say why there is none. */
	(void)proc_mkdirs(dir, mode);
	return put(out, "%s/%s", dir, name);
}

char *
path_run_find(char *out, const char *name)
{
	char dir[PATH_LEN], system[PATH_LEN];

	path_run(out, name);
	if (where(dir) == PLACE_USER && access(out, F_OK) != 0 &&
	    access(put(system, "/run/sec/%s", name), F_OK) == 0)
		put(out, "%s", system);
	return out;
}

char *
path_agent(char *out, const char *user, const char *domain)
{
	char name[PATH_LEN];

	return path_run(out, put(name, "%s@%s.sock", user, domain));
}

char *
path_agent_dir(char *out)
{
	char dir[PATH_LEN];
	mode_t mode;

	if (*run_dir(dir, &mode) == '\0')
		return make_short_dir(out, dir);
	return put(out, "%s", dir);
}

char *
path_agent_dir_long(char *out)
{
	char dir[PATH_LEN];
	mode_t mode;

	run_dir(dir, &mode);
	if (*dir == '\0' || !is_ours(short_dir(out, dir)))
		put(out, "%s", "");
	return out;
}

/* NAME of $SEC_USER, which may be NAME, NAME@DOMAIN or sip:NAME@DOMAIN, in
 * name (PATH_LEN bytes); the login's when that says nothing. */
static const char *
user_name(char *name)
{
	const char *s = getenv("SEC_USER");
	size_t n;

	if (s != NULL && strncmp(s, "sip:", 4) == 0)
		s += 4;
	n = s != NULL ? strcspn(s, "@") : 0;
	if (n > 0 && n < 256 && s[0] != '.' && memchr(s, '/', n) == NULL)
		return put(name, "%.*s", (int)n, s);
	if ((s = login_name()) != NULL)
		return put(name, "%s", s);
	return put(name, "%u", (unsigned int)geteuid());
}

char *
path_home_state(char *out)
{
	char dir[PATH_LEN], name[PATH_LEN];

	if (where(dir) == PLACE_DIR)
		return put(out, "%s/home/%s", dir, user_name(name));
	return xdg(out, "XDG_STATE_HOME", ".local/state");
}
