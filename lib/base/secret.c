/*
 * Owns every key's memory: chunks of pages that are locked and kept out of
 * core files, cut into slots of fixed sizes. A slot that is free is wiped
 * and on the list of its size; chunks are never given back. Daemons have
 * one thread, so there is no lock here.
 */

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "base/err.h"
#include "base/log.h"

#include "base/secret.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SECRET_ASAN
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define SECRET_ASAN
#endif
#ifdef SECRET_ASAN
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(p, n)	  ((void)(p), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#endif

#define CHUNK ((size_t)64 * 1024)

struct secret {
	struct secret *next; /* while free */
	uint32_t size; /* 0 while free */
	uint32_t class;
	_Alignas(16) unsigned char bytes[];
};

static const size_t sizes[] = { 32, 64, 128, 256, 1024 };
#define NCLASS (sizeof(sizes) / sizeof(*sizes))

static struct secret *freed[NCLASS];
static unsigned char *chunk; /* what is left of the newest */
static size_t chunk_left;
static size_t live;

static void
chunk_new(void)
{
	void *p = mmap(NULL, CHUNK, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		die(sec_err_exit(SEC_ERR_SYS), "no memory for keys");
	/* Locking is a favour of RLIMIT_MEMLOCK, not a condition. */
	(void)mlock(p, CHUNK);
	(void)madvise(p, CHUNK, MADV_DONTDUMP);
	ASAN_POISON_MEMORY_REGION(p, CHUNK);
	chunk = p;
	chunk_left = CHUNK;
}

static void
put_free(struct secret *s)
{
	s->size = 0;
	s->next = freed[s->class];
	freed[s->class] = s;
	ASAN_POISON_MEMORY_REGION(s->bytes, sizes[s->class]);
}

/* Cut the largest slots that fit out of the rest, so that it is not lost. */
static void
chunk_rest(void)
{
	struct secret *s;
	size_t i = NCLASS;

	while (i-- > 0)
		while (chunk_left >= sizeof(*s) + sizes[i]) {
			s = (struct secret *)(void *)chunk;
			ASAN_UNPOISON_MEMORY_REGION(s, sizeof(*s));
			s->class = (uint32_t)i;
			chunk += sizeof(*s) + sizes[i];
			chunk_left -= sizeof(*s) + sizes[i];
			put_free(s);
		}
}

static struct secret *
slot_new(size_t class)
{
	size_t need = sizeof(struct secret) + sizes[class];
	struct secret *s = freed[class];

	if (s != NULL) {
		freed[class] = s->next;
		return s;
	}
	if (chunk_left < need) {
		chunk_rest();
		chunk_new();
	}
	s = (struct secret *)(void *)chunk;
	chunk += need;
	chunk_left -= need;
	ASAN_UNPOISON_MEMORY_REGION(s, sizeof(*s));
	s->class = (uint32_t) class;
	return s;
}

struct secret *
secret_new(size_t n)
{
	struct secret *s;
	size_t i = 0;

	while (i < NCLASS && sizes[i] < n)
		i++;
	if (n == 0 || i == NCLASS)
		die(sec_err_exit(SEC_ERR_DATA), "secret of %zu bytes", n);
	s = slot_new(i);
	s->size = (uint32_t)n;
	s->next = NULL;
	ASAN_UNPOISON_MEMORY_REGION(s->bytes, n);
	live++;
	return s;
}

struct secret *
secret_copy(const void *p, size_t n)
{
	struct secret *s = secret_new(n);

	memcpy(s->bytes, p, n);
	return s;
}

struct secret *
secret_dup(const struct secret *s)
{
	return s != NULL ? secret_copy(s->bytes, s->size) : NULL;
}

struct secret *
secret_slice(const struct secret *s, size_t off, size_t n)
{
	if (off > s->size || n > s->size - off)
		die(sec_err_exit(SEC_ERR_DATA), "slice outside of a secret");
	return secret_copy(s->bytes + off, n);
}

void
secret_free(struct secret *s)
{
	if (s == NULL)
		return;
	if (s->size == 0)
		die(sec_err_exit(SEC_ERR_DATA), "secret freed twice");
	explicit_bzero(s->bytes, s->size);
	put_free(s);
	live--;
}

const void *
secret_data(const struct secret *s)
{
	return s->bytes;
}

void *
secret_fill(struct secret *s)
{
	return s->bytes;
}

size_t
secret_size(const struct secret *s)
{
	return s->size;
}

int
secret_equal(const struct secret *a, const struct secret *b)
{
	if (a == NULL || b == NULL || a->size != b->size)
		return 0;
	return secret_memequal(a->bytes, b->bytes, a->size);
}

int
secret_memequal(const void *a, const void *b, size_t n)
{
	const volatile unsigned char *x = a, *y = b;
	unsigned int d = 0;

	while (n-- > 0)
		d |= (unsigned int)(*x++ ^ *y++);
	return d == 0;
}

size_t
secret_count(void)
{
	return live;
}
