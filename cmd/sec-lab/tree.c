/*
 * The lab's directories and files, and its address.
 */
#include <sys/socket.h>
#include <sys/stat.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/err.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/siphash.h"
#include "base/text.h"

#include "lab.h"

/* All that is ours under the lab's directory (COMMANDS.md 3). */
static const char *const names[] = { "etc", "kdc", "lib", "run", "log",
	"home" };
#define NAMES (sizeof(names) / sizeof(names[0]))

int
tree_make(const struct lab *l)
{
	char run[PATH_LEN];
	size_t i;

	if (proc_mkdirs(l->dir, 0700) != 0)
		return complain(SEC_ERR_DISK, "cannot make %s: %s", l->shown,
		    strerror(errno));
	/* Never take over, and later purge, what somebody else made. */
	if (access(lab_path(l, "etc/lab"), F_OK) != 0)
		for (i = 0; i < NAMES; i++)
			if (access(lab_path(l, "%s", names[i]), F_OK) == 0 &&
			    rmdir(lab_path(l, "%s", names[i])) != 0)
				return complain(SEC_ERR_DATA,
				    "%s/%s is there "
				    "and is not a lab's; choose another "
				    "SEC_DIR",
				    l->shown, names[i]);
	for (i = 0; i < NAMES; i++)
		if (proc_mkdirs(lab_path(l, "%s", names[i]), 0700) != 0)
			return complain(SEC_ERR_DISK, "cannot make %s/%s: %s",
			    l->shown, names[i], strerror(errno));
	/* From here on it is a lab's, even if we die at once. */
	if (access(lab_path(l, "etc/lab"), F_OK) != 0 && lab_save(l) != 0)
		return complain(SEC_ERR_DISK, "cannot write %s/etc: %s",
		    l->shown, strerror(errno));
	(void)path_run(run, "lab.sock");
	return 0;
}

/* --- the address --- */

static int
bound(const char *address, int port, int type)
{
	struct sockaddr_in in;
	int fd, one = 1;

	memset(&in, 0, sizeof(in));
	in.sin_family = AF_INET;
	in.sin_port = htons((uint16_t)port);
	if (inet_pton(AF_INET, address, &in.sin_addr) != 1)
		return -1;
	fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	/*
	 * TIME_WAIT of an earlier run is no obstacle, a listener is; a KDC,
	 * which sets SO_REUSEPORT, is one too, as we do not set that.
	 */
	if (fd >= 0 && type == SOCK_STREAM)
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one,
		    sizeof(one));
	if (fd >= 0 && bind(fd, (struct sockaddr *)&in, sizeof(in)) != 0) {
		close(fd);
		fd = -1;
	}
	if (fd >= 0 && type == SOCK_STREAM && listen(fd, 1) != 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static int
is_free(const char *address, int port, int type)
{
	int fd = bound(address, port, type);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

int
tree_port_is_free(const struct lab *l, int port)
{
	return is_free(l->address, port, SOCK_STREAM);
}

/* Are the ports of a daemon free, before and behind a relay? */
static int
is_daemons(const char *address, const struct lab_daemon *d)
{
	return is_free(address, d->port, SOCK_STREAM) &&
	    is_free(address, d->port + LAB_BEHIND, SOCK_STREAM) &&
	    (!d->udp ||
		(is_free(address, d->port, SOCK_DGRAM) &&
		    is_free(address, d->port + LAB_BEHIND, SOCK_DGRAM)));
}

/* Hold the address by a listener on a port of no other use. */
static int
hold(const char *address)
{
	int fd = bound(address, LAB_RESERVED_PORT, SOCK_STREAM);
	int i;

	if (fd < 0)
		return -1;
	if (is_free(address, LAB_KDC_PORT, SOCK_STREAM) &&
	    is_free(address, LAB_KDC_PORT, SOCK_DGRAM)) {
		for (i = 0; i < LAB_DAEMONS; i++)
			if (!is_daemons(address, &lab_daemons[i]))
				break;
		if (i == LAB_DAEMONS)
			return fd;
	}
	close(fd);
	return -1;
}

int
tree_take_address(struct lab *l)
{
	static const uint8_t key[16] = "sec-lab address";
	char seed[PATH_LEN + 16];
	uint64_t h;
	int fd, n, try;

	if (l->address[0] != '\0' && (fd = hold(l->address)) >= 0)
		return fd;
	for (try = 0; try < 64; try++) {
		n = snprintf(seed, sizeof(seed), "%s#%d", l->dir, try);
		h = siphash24(key, seed, (size_t)n);
		/* Away from 127.0.0.1 and the 127.0.1.1 of Debian. */
		snprintf(l->address, sizeof(l->address), "127.%d.%d.%d",
		    (int)(1 + h % 254), (int)((h >> 16) % 256),
		    (int)(2 + (h >> 32) % 252));
		if ((fd = hold(l->address)) >= 0)
			return fd;
	}
	return SEC_ERR_SYS;
}

/* --- files --- */

static int
write_file(const struct lab *l, const char *name, struct buf *b, mode_t mode)
{
	int r = buf_error(b);

	if (r == 0)
		r = proc_write_file(lab_path(l, "%s", name), buf_data(b),
		    buf_len(b), mode);
	buf_free(b);
	if (r != 0)
		complain(0, "cannot write %s/%s: %s", l->shown, name,
		    strerror(errno));
	return r;
}

int
tree_write_config(const struct lab *l)
{
	struct buf b = BUF_INIT;
	const char *a = l->address;
	int r;

	buf_putf(&b,
	    "# Made by sec-lab up.\n"
	    "domain = " LAB_DOMAIN "\n"
	    "realm = " LAB_REALM "\n"
	    "pal = pal@%s:%d\n",
	    a, lab_daemons[1].port);
	if (l->plain)
		buf_put_str(&b, "security = plain\n");
	if ((r = write_file(l, "etc/sec.conf", &b, 0644)) != 0)
		return r;

	/* AES with SHA-2 first, SPAKE always (LIBRARIES.md 1). */
	buf_putf(&b,
	    "[libdefaults]\n"
	    "\tdefault_realm = " LAB_REALM "\n"
	    "\tdns_lookup_realm = false\n"
	    "\tdns_lookup_kdc = false\n"
	    "\tdns_canonicalize_hostname = false\n"
	    "\trdns = false\n"
	    "\tpermitted_enctypes = aes256-cts-hmac-sha384-192 "
	    "aes256-cts-hmac-sha1-96\n"
	    "\tspake_preauth_groups = edwards25519\n"
	    "\trenew_lifetime = 2d\n"
	    "[realms]\n"
	    "\t" LAB_REALM " = {\n"
	    "\t\tkdc = %s:%d\n"
	    "\t}\n"
	    "[domain_realm]\n"
	    "\t." LAB_DOMAIN " = " LAB_REALM "\n"
	    "\t" LAB_DOMAIN " = " LAB_REALM "\n",
	    a, LAB_KDC_PORT);
	if ((r = write_file(l, "etc/krb5.conf", &b, 0644)) != 0)
		return r;

	buf_putf(&b,
	    "[kdcdefaults]\n"
	    "\tkdc_listen = %s:%d\n"
	    "\tkdc_tcp_listen = %s:%d\n"
	    "[realms]\n"
	    "\t" LAB_REALM " = {\n"
	    "\t\tdatabase_name = %s/kdc/principal\n"
	    "\t\tkey_stash_file = %s/kdc/stash\n"
	    "\t\tacl_file = %s/kdc/kadm5.acl\n"
	    "\t\tmax_life = 10h\n"
	    "\t\tmax_renewable_life = 7d\n"
	    "\t\tdisable_pac = true\n"
	    "\t\tsupported_enctypes = aes256-cts-hmac-sha384-192:normal "
	    "aes256-cts-hmac-sha1-96:normal\n"
	    "\t\tdefault_principal_flags = +preauth\n"
	    "\t}\n"
	    "[logging]\n"
	    "\tkdc = FILE:%s/log/kdc\n"
	    "\tdefault = FILE:%s/log/kdc\n",
	    a, LAB_KDC_PORT, a, LAB_KDC_PORT, l->dir, l->dir, l->dir, l->dir,
	    l->dir);
	return write_file(l, "kdc/kdc.conf", &b, 0600);
}

int
tree_make_home(const struct lab *l, const char *user)
{
	if (proc_mkdirs(lab_path(l, "home/%s", user), 0700) != 0)
		return complain(SEC_ERR_DISK, "cannot make %s/home/%s: %s",
		    l->shown, user, strerror(errno));
	return 0;
}

/* --- purge --- */

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *place)
{
	(void)st;
	(void)type;
	(void)place;
	return remove(path);
}

int
tree_purge(const struct lab *l)
{
	char run[PATH_LEN], own[PATH_LEN];
	size_t i;

	if (access(lab_path(l, "etc/lab"), F_OK) != 0)
		return 0;
	/* Sockets that had to move because the path was too long. */
	(void)path_run(run, "lab.sock");
	snprintf(own, sizeof(own), "%.*s/run/", PATH_LEN - 8, l->dir);
	if (strncmp(run, own, strlen(own)) != 0) {
		*strrchr(run, '/') = '\0';
		(void)nftw(run, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	}
	/* etc last: its file `lab` says that the others are ours. */
	for (i = NAMES; i-- > 0;)
		if (nftw(lab_path(l, "%s", names[i]), remove_one, 16,
			FTW_DEPTH | FTW_PHYS) != 0 &&
		    errno != ENOENT)
			return complain(SEC_ERR_DISK,
			    "cannot remove %s/%s: "
			    "%s",
			    l->shown, names[i], strerror(errno));
	return 0;
}
