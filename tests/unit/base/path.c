#include <sys/stat.h>
#include <sys/wait.h>

#include <pwd.h>
#include <unistd.h>

#include "base/path.h"
#include "../test.h"

static char out[PATH_LEN], tmp[64];

static void
forget(void)
{
	unsetenv("SEC_DIR");
	unsetenv("SEC_USER");
	unsetenv("XDG_CONFIG_HOME");
	unsetenv("XDG_STATE_HOME");
	unsetenv("XDG_RUNTIME_DIR");
}

/* COMMANDS.md 3, last column. */
static void
test_dir(void)
{
	char want[PATH_LEN];
	struct stat st;

	setenv("SEC_DIR", "/x/", 1);
	T_STR(path_config(out), "/x/etc/sec.conf");
	T_STR(path_user_config(out), "");
	T_STR(path_servers(out), "/x/etc/servers");
	T_STR(path_rules(out), "/x/etc/rules");
	T_STR(path_types(out), "/x/etc/types");
	T_STR(path_keytab(out, "pal"), "/x/etc/pal.keytab");
	T_STR(path_keys(out, "mtcu1"), "/x/lib/keys/mtcu1");
	T_STR(path_db(out, "conf.db"), "/x/lib/conf.db");
	T_STR(path_files(out), "/x/lib/files");
	T_STR(path_agent_dir(out), "/x/run");
	setenv("SEC_USER", "alice", 1);
	T_STR(path_home_state(out), "/x/home/alice");
	setenv("SEC_USER", "sip:bob@example.org", 1);
	T_STR(path_home_state(out), "/x/home/bob");
	setenv("SEC_USER", "../../etc", 1);
	T(strstr(path_home_state(out), "..") == NULL);

	snprintf(want, sizeof(want), "%s/run/pal.sock", tmp);
	setenv("SEC_DIR", tmp, 1);
	T_STR(path_run(out, "pal.sock"), want);
	T_STR(path_run_find(out, "pal.sock"), want);
	snprintf(want, sizeof(want), "%s/run/alice@example.org.sock", tmp);
	T_STR(path_agent(out, "alice", "example.org"), want);
	snprintf(want, sizeof(want), "%s/run", tmp);
	T(stat(want, &st) == 0 && S_ISDIR(st.st_mode));
	rmdir(want);

	if (chdir(tmp) != 0)
		exit(1);
	snprintf(want, sizeof(want), "%s/lab/etc/servers", tmp);
	setenv("SEC_DIR", "lab", 1);
	T_STR(path_servers(out), want);
}

/* Over 100 bytes: a short directory of the user's alone, one for each. */
static void
test_long(void)
{
	char longer[200], first[PATH_LEN], second[PATH_LEN], name[PATH_LEN];
	struct stat st;
	char *slash;
	int status = 0;
	pid_t pid;

	snprintf(longer, sizeof(longer), "%s/", tmp);
	memset(longer + strlen(longer), 'd', 100);
	longer[strlen(tmp) + 1 + 90] = '\0';
	setenv("SEC_DIR", longer, 1);
	path_run(first, "pal.sock");
	T(strlen(first) <= 100 && strncmp(first, "/tmp/sec-", 9) == 0);
	T_STR(path_run(out, "pal.sock"), first);
	path_agent(out, "alice", "example.org");
	T(strstr(out, "/alice@example.org.sock") != NULL);
	longer[strlen(longer) - 1] = 'e';
	setenv("SEC_DIR", longer, 1);
	path_run(second, "pal.sock");
	T(strcmp(first, second) != 0);
	path_agent_dir_long(name);
	T(strncmp(second, name, strlen(name)) == 0 && *name != '\0');
	T(stat(name, &st) == 0 && (st.st_mode & 0777) == 0700);

	/* Others may look into it: not used. */
	chmod(name, 0755);
	T_STR(path_agent_dir_long(out), "");
	fflush(stdout);
	if ((pid = fork()) == 0) {
		if (freopen("/dev/null", "w", stderr) == NULL)
			_exit(99);
		path_run(out, "pal.sock");
		_exit(0);
	}
	waitpid(pid, &status, 0);
	T(WIFEXITED(status) && WEXITSTATUS(status) == 4);
	rmdir(name);
	T_STR(path_agent_dir_long(out), "");
	if ((slash = strrchr(first, '/')) != NULL)
		*slash = '\0';
	rmdir(first);
}

/* The first two columns; as root the second one in a child. */
static void
test_system(void)
{
	T_STR(path_config(out), "/etc/sec/sec.conf");
	T_STR(path_user_config(out), "");
	T_STR(path_servers(out), "/etc/sec/servers");
	T_STR(path_keytab(out, "pal"), "/etc/sec/pal.keytab");
	T_STR(path_keys(out, "mcu1"), "/var/lib/sec/keys/mcu1");
	T_STR(path_db(out, "pal.db"), "/var/lib/sec/pal.db");
	T_STR(path_agent_dir(out), "/run/sec");
}

static void
test_user(void)
{
	char want[PATH_LEN];

	setenv("HOME", "/h", 1);
	T_STR(path_config(out), "/etc/sec/sec.conf");
	T_STR(path_user_config(out), "/h/.config/sec/sec.conf");
	T_STR(path_servers(out), "/h/.local/state/sec/servers");
	T_STR(path_keytab(out, "pal"), "/h/.local/state/sec/pal.keytab");
	T_STR(path_keys(out, "mcu1"), "/h/.local/state/sec/keys/mcu1");
	T_STR(path_db(out, "pal.db"), "/h/.local/state/sec/pal.db");
	T_STR(path_home_state(out), "/h/.local/state/sec");
	setenv("XDG_CONFIG_HOME", "/c", 1);
	setenv("XDG_STATE_HOME", "/s", 1);
	T_STR(path_user_config(out), "/c/sec/sec.conf");
	T_STR(path_db(out, "pal.db"), "/s/sec/pal.db");
	setenv("XDG_STATE_HOME", "relative", 1);
	T_STR(path_db(out, "pal.db"), "/h/.local/state/sec/pal.db");

	/* No runtime directory: straight to /tmp. */
	path_agent(out, "alice", "example.org");
	T(strncmp(out, "/tmp/sec-", 9) == 0);
	path_agent_dir(want);
	T(strncmp(want, "/tmp/sec-", 9) == 0);
	rmdir(want);
	setenv("XDG_RUNTIME_DIR", tmp, 1);
	snprintf(want, sizeof(want), "%s/sec/alice@example.org.sock", tmp);
	T_STR(path_agent(out, "alice", "example.org"), want);
	snprintf(want, sizeof(want), "%s/sec", tmp);
	T_STR(path_agent_dir(out), want);
	rmdir(want);
}

/* As an ordinary user; its checks count as one here. */
static int
as_user(void)
{
	int status = 0;
	pid_t pid;

	fflush(stdout);
	if ((pid = fork()) == 0) {
		if (chown(tmp, 54321, 54321) != 0 || setuid(54321) != 0)
			_exit(99);
		if (freopen("/dev/null", "w", stdout) == NULL)
			_exit(98);
		test_user();
		_exit(t_failed > 0);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int
main(void)
{
	const struct passwd *pw;

	strcpy(tmp, "/tmp/sec-unit-XXXXXX");
	if (mkdtemp(tmp) == NULL)
		return 1;
	forget();
	test_dir();
	test_long();
	forget();
	pw = getpwuid(geteuid());
	if (geteuid() == 0) {
		test_system();
		T(as_user());
	} else if (pw != NULL && strncmp(pw->pw_name, "sec-", 4) == 0)
		test_system();
	else
		test_user();
	if (chdir("/") == 0)
		rmdir(tmp);
	return t_done();
}
