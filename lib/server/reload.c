/*
 * SIGHUP: configuration, servers and keys are read again; what is bad is
 * left as it was, and health says so.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/text.h"
#include "server/state.h"

int
reload_find_self(struct service *s, char *why, size_t whylen)
{
	const struct server *v;
	char name[65];
	int r;

	if ((r = query_name(s->def, &s->state->opt, name, why, whylen)) != 0)
		return r;
	if ((v = servers_by_name(&s->servers, name)) == NULL) {
		snprintf(why, whylen, "servers has no line named %s", name);
		return SEC_ERR_CONFIG;
	}
	if (strcmp(v->role, s->def->role) != 0) {
		snprintf(why, whylen, "server %s has role %s, not %s", name,
		    v->role, s->def->role);
		return SEC_ERR_CONFIG;
	}
	s->self = v;
	return 0;
}

/* The new file must still say who we are: number and name do not change
 * under a running daemon. */
static int
is_same_self(const struct service *s, const struct servers *new)
{
	const struct server *v;

	v = servers_by_name(new, s->self->name);
	return v != NULL && v->number == s->self->number &&
	    strcmp(v->role, s->self->role) == 0;
}

int
reload_servers(struct service *s, char *why, size_t whylen)
{
	char path[PATH_LEN], name[65];
	struct servers *new;
	int r;

	if ((new = malloc(sizeof(*new))) == NULL)
		return SEC_ERR_SYS;
	r = servers_read(new, path_servers(path), why, whylen);
	if (r == 0 && s->self != NULL && !is_same_self(s, new)) {
		snprintf(why, whylen,
		    "%s: the line of %s has changed; "
		    "restart",
		    path, s->self->name);
		r = SEC_ERR_CONFIG;
	}
	if (r == 0 && s->self != NULL && s->epochs != NULL && !s->conf.plain)
		r = epochs_check_line(s->epochs,
		    servers_by_name(new, s->self->name), why, whylen);
	if (r == 0 && s->self != NULL) {
		text_copy(name, s->self->name, sizeof(name));
		s->servers = *new;
		s->self = servers_by_name(&s->servers, name);
	} else if (r == 0)
		s->servers = *new;
	free(new);
	return r;
}

/* What cannot change while connections and principals stand on it. */
static int
check_fixed(const struct conf *old, const struct conf *new, char *why,
    size_t whylen)
{
	const char *key = NULL;

	if (strcmp(old->domain, new->domain) != 0)
		key = "domain";
	else if (strcmp(old->realm, new->realm) != 0)
		key = "realm";
	else if (old->plain != new->plain)
		key = "security";
	if (key == NULL)
		return 0;
	snprintf(why, whylen, "%s has changed in sec.conf; restart", key);
	return SEC_ERR_CONFIG;
}

static int
reload_conf(struct service *s, char *why, size_t whylen)
{
	struct conf new;
	int r;

	conf_defaults(&new);
	if ((r = conf_load(&new, s->state->opt.config, why, whylen)) != 0 ||
	    (r = check_fixed(&s->conf, &new, why, whylen)) != 0)
		return r;
	s->conf = new;
	return 0;
}

void
reload_all(struct service *s)
{
	char why[400], text[64];
	int r;

	snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%" PRId64,
	    clock_mono_us());
	(void)proc_notify(text);
	s->state->bad_config[0] = '\0';
	if ((r = reload_conf(s, why, sizeof(why))) != 0 ||
	    (r = reload_servers(s, why, sizeof(why))) != 0 ||
	    (r = rotate_reload_keys(s, why, sizeof(why))) != 0) {
		log_error("reload", "name=%s reason=%s", s->self->name,
		    log_quote(why));
		snprintf(s->state->bad_config, sizeof(s->state->bad_config),
		    "old configuration kept: %s", why);
	} else
		log_info("reload", "name=%s", s->self->name);
	if (s->links != NULL) {
		links_reload(s->links, &s->servers);
		service_want_links(s);
	}
	if (r == 0 && s->def->reload != NULL)
		s->def->reload(s);
	health_notify(s, "READY=1");
}
