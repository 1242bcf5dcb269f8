/*
 * ldap_child: the process sec-ldap(8), started when it is needed.
 */
#include <sys/socket.h>

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/path.h"
#include "base/sock.h"
#include "base/spawn.h"

#include "ldap_child.h"

static void
on_ended(void *arg, int pid, int status)
{
	struct ldap_child *c = arg;

	if (c->pid != pid)
		return;
	log_info("ldap.ended", "pid=%d status=%d", pid, status);
	c->pid = 0;
}

void
ldap_child_kill(struct ldap_child *c)
{
	struct ctl_peer *peer = ctl_peer_find(c->s->ctl, c->peer);

	if (c->pid != 0) {
		loop_child_cancel(c->s->loop, c->pid);
		kill(c->pid, SIGKILL);
	}
	c->pid = 0;
	c->peer = 0;
	c->is_pinged = 0;
	/* What was asked is answered by that: SEC_ERR_CLOSED. */
	if (peer != NULL)
		ctl_peer_close(peer);
}

static void
on_opened(void *ctx, uint64_t cookie, int err, const struct line *reply)
{
	(void)ctx;
	(void)cookie;
	if (err != 0 && reply != NULL)
		log_error("ldap.open", "why=%s",
		    log_quote(line_get_or(reply, "reason", "")));
}

/* What it needs to know; it reads no configuration. */
static void
child_configure(struct ldap_child *c, struct ctl_peer *peer)
{
	const struct conf *conf = &c->s->conf;
	char keytab[PATH_LEN];
	struct buf *b = ctl_call(peer, "open");

	line_put(b, "url", conf->directory);
	line_put_u64(b, "starttls",
	    conf->directory_starttls &&
		strncmp(conf->directory, "ldap://", 7) == 0);
	if (conf->directory_groups[0] != '\0')
		line_put(b, "groups", conf->directory_groups);
	if (conf->directory_attributes[0] != '\0')
		line_put(b, "attributes", conf->directory_attributes);
	line_put(b, "ca", conf->directory_ca);
	line_put_u64(b, "bind", conf->directory_bind);
	if (conf->directory_bind == CONF_SIMPLE) {
		line_put(b, "dn", conf->directory_dn);
		line_put(b, "password", conf->directory_password);
	} else if (conf->directory_bind == CONF_GSSAPI)
		line_putf(b, "keytab", "FILE:%s",
		    path_keytab(keytab, c->s->self->name));
	(void)ctl_call_end(peer, LDAP_ANSWER_MS, on_opened, c, 0);
}

static struct ctl_peer *
child_start(struct ldap_child *c)
{
	struct service *s = c->s;
	const char *argv[] = { NULL, NULL };
	char path[PATH_LEN];
	struct ctl_peer *peer;
	int fd[2];

	if ((argv[0] = spawn_find_own("sec-ldap", path)) == NULL ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) != 0)
		return NULL;
	c->pid = spawn_start(argv, fd[1], -1, STDERR_FILENO);
	close(fd[1]);
	if (c->pid < 0 || sock_set_nonblock(fd[0], 1) != 0) {
		close(fd[0]);
		c->pid = c->pid < 0 ? 0 : c->pid;
		ldap_child_kill(c);
		return NULL;
	}
	(void)loop_child(s->loop, c->pid, on_ended, c);
	peer = ctl_peer_unix(s->ctl, fd[0]);
	c->peer = ctl_peer_id(peer);
	log_info("ldap.started", "pid=%d", c->pid);
	child_configure(c, peer);
	return peer;
}

struct ctl_peer *
ldap_child_peer(struct ldap_child *c)
{
	struct ctl_peer *peer = ctl_peer_find(c->s->ctl, c->peer);

	if (peer != NULL)
		return peer;
	ldap_child_kill(c);
	return child_start(c);
}

static void
on_pinged(void *ctx, uint64_t cookie, int err, const struct line *reply)
{
	struct ldap_child *c = ctx;

	(void)reply;
	c->is_pinged = 0;
	if (err != SEC_ERR_TIMEOUT || c->pid != (int)cookie)
		return;
	log_warn("ldap.stuck", "pid=%d", c->pid);
	ldap_child_kill(c);
}

void
ldap_child_suspect(struct ldap_child *c)
{
	struct ctl_peer *peer = ctl_peer_find(c->s->ctl, c->peer);

	if (peer == NULL || c->is_pinged)
		return;
	c->is_pinged = 1;
	(void)ctl_call(peer, "ping");
	(void)ctl_call_end(peer, LDAP_ANSWER_MS, on_pinged, c,
	    (uint64_t)c->pid);
}
