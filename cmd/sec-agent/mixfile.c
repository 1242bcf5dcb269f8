/* mix.json: the lines of it. */
#include <ctype.h>
#include <string.h>

#include "audio/mix.h"
#include "base/err.h"
#include "base/jsonline.h"
#include "base/text.h"
#include "cli/emit.h"
#include "mixfile.h"

const char *const mix_modes[] = { "hear", "earcon", "light", "alert", NULL };

int
mix_mode_of(const char *word)
{
	int i;

	for (i = 0; mix_modes[i] != NULL; i++)
		if (strcmp(mix_modes[i], word) == 0)
			return i;
	return -1;
}

void
mix_line_put(const struct mix_line *m, struct buf *out)
{
	struct buf line = BUF_INIT;
	struct json j;

	json_begin(&j);
	json_str(&j, m->is_user ? "user" : "conf", m->uri);
	if (!m->is_user) {
		if (m->cid[0] != '\0')
			json_str(&j, "id", m->cid);
		json_str(&j, "mode", mix_modes[m->mode]);
		json_int(&j, "vol_db", m->vol);
	}
	if (m->sound[0] != '\0')
		json_str(&j, "sound", m->sound);
	json_line(&j, &line);
	buf_put(out, buf_data(&line), buf_len(&line));
	buf_free(&line);
}

/* A field of at most size - 1 bytes, "" if there is none. */
static int
copy(const struct jsonline *j, const char *name, char *out, size_t size)
{
	const char *v = jsonline_str(j, name);

	return text_copy(out, v != NULL ? v : "", size) < size ? 0 :
								 SEC_ERR_FORMAT;
}

static int
take(struct mix_line *m, const struct jsonline *j)
{
	const char *mode = jsonline_str(j, "mode");
	double vol = 0;

	m->is_user = jsonline_str(j, "user") != NULL;
	if (copy(j, m->is_user ? "user" : "conf", m->uri, sizeof(m->uri)) !=
		0 ||
	    copy(j, "id", m->cid, sizeof(m->cid)) != 0 ||
	    copy(j, "sound", m->sound, sizeof(m->sound)) != 0 ||
	    m->uri[0] == '\0' || jsonline_str(j, "vol_db") != NULL ||
	    (mode != NULL && mix_mode_of(mode) < 0))
		return SEC_ERR_FORMAT;
	if (mode != NULL)
		m->mode = (enum mix_mode)mix_mode_of(mode);
	(void)jsonline_number(j, "vol_db", &vol);
	if (!(vol >= MIX_VOL_MIN && vol <= MIX_VOL_MAX))
		return SEC_ERR_FORMAT;
	m->vol = (int)vol;
	return 0;
}

int
mix_line_parse(struct mix_line *m, const char *p, size_t n)
{
	struct jsonline *j;
	int r;

	memset(m, 0, sizeof(*m));
	while (n > 0 && isspace((unsigned char)p[n - 1]))
		n--;
	if ((j = jsonline_parse(p, n)) == NULL)
		return SEC_ERR_FORMAT;
	r = take(m, j);
	jsonline_free(j);
	return r;
}
