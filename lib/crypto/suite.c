/*
 * The table of suites: what is modular in the seed (S140, S156) is one row
 * here and one row of algorithms in crypto/aead.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "crypto/suite.h"

static const struct suite suites[] = {
	{ SUITE_AES256_CTR_HMAC_SHA512_80, "aes256-ctr-hmac-sha512-80", 32 + 64,
	    10, 1, 0, 0 },
	{ SUITE_CHACHA20_POLY1305, "chacha20-poly1305", 32, 16, 1, 64, 0 },
	{ SUITE_AES256_GCM, "aes256-gcm-sha512-128", 32, 16, 0, 0, 0 },
	{ SUITE_AES128_CTR_HMAC_SHA256_80, "aes128-ctr-hmac-sha256-80", 16 + 32,
	    10, 1, 0, 1 },
	{ SUITE_AES128_GCM, "aes128-gcm-sha256-128", 16, 16, 0, 0, 1 },
};
#define NSUITES (sizeof suites / sizeof suites[0])

const struct suite *
suite_by_id(uint16_t id)
{
	size_t i;

	for (i = 0; i < NSUITES; i++)
		if (suites[i].id == id)
			return &suites[i];
	return NULL;
}

const struct suite *
suite_by_name(const char *name)
{
	unsigned long id;
	size_t i;
	char *end;

	for (i = 0; i < NSUITES; i++)
		if (strcasecmp(suites[i].name, name) == 0)
			return &suites[i];
	if (strncmp(name, "0x", 2) != 0 || strlen(name) != 6)
		return NULL;
	id = strtoul(name + 2, &end, 16);
	if (*end != '\0' || id > UINT16_MAX)
		return NULL;
	return suite_by_id((uint16_t)id);
}

const struct suite *
suite_next(const struct suite *s)
{
	if (s == NULL)
		return &suites[0];
	return s + 1 < suites + NSUITES ? s + 1 : NULL;
}
