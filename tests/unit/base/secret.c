#include <sys/wait.h>

#include <unistd.h>

#include "base/secret.h"
#include "../test.h"

#define MANY 3000

static int
all_zero(const void *p, size_t n)
{
	const unsigned char *c = p;

	while (n-- > 0)
		if (*c++ != 0)
			return 0;
	return 1;
}

static void
test_one(void)
{
	struct secret *a, *b, *c;

	a = secret_new(32);
	T_INT(secret_size(a), 32);
	T(all_zero(secret_data(a), 32));
	memset(secret_fill(a), 0x5a, 32);
	b = secret_dup(a);
	T(secret_equal(a, b));
	((unsigned char *)secret_fill(b))[31] ^= 1;
	T(!secret_equal(a, b));
	c = secret_slice(b, 30, 2);
	T_MEM(secret_data(c), secret_size(c), "5a5b");
	T(!secret_equal(a, c));
	T(!secret_equal(a, NULL));
	T_INT(secret_count(), 3);
	secret_free(a);
	secret_free(b);
	secret_free(c);
	secret_free(NULL);
	T(secret_dup(NULL) == NULL);
	T_INT(secret_count(), 0);

	/* The same slot again, wiped. */
	b = secret_new(20);
	T(all_zero(secret_data(b), 20));
	secret_free(b);
	b = secret_copy("secret", 6);
	T(memcmp(secret_data(b), "secret", 6) == 0);
	secret_free(b);

	T(secret_memequal("abc", "abd", 2));
	T(!secret_memequal("abc", "abd", 3));
	T(secret_memequal("", "", 0));
}

/* Every size, many at once: none overlaps another, all are aligned. */
static void
test_many(void)
{
	static struct secret *s[MANY];
	size_t i, n;
	int whole = 1, zero = 1, aligned = 1;

	for (i = 0; i < MANY; i++) {
		n = 1 + (i * 37) % 1024;
		s[i] = secret_new(n);
		zero = zero && all_zero(secret_data(s[i]), n);
		aligned = aligned && (size_t)secret_data(s[i]) % 16 == 0;
		memset(secret_fill(s[i]), (int)(i & 0xff), n);
	}
	T_INT(secret_count(), MANY);
	for (i = 0; i < MANY; i += 2) {
		secret_free(s[i]);
		s[i] = NULL;
	}
	for (i = 1; i < MANY; i += 2) {
		const unsigned char *p = secret_data(s[i]);

		for (n = 0; n < secret_size(s[i]); n++)
			whole = whole && p[n] == (i & 0xff);
	}
	for (i = 0; i < MANY; i += 2) {
		n = 1 + (i * 41) % 1024;
		s[i] = secret_new(n);
		zero = zero && all_zero(secret_data(s[i]), n);
	}
	T(whole);
	T(zero);
	T(aligned);
	for (i = 0; i < MANY; i++)
		secret_free(s[i]);
	T_INT(secret_count(), 0);
}

static int
exit_of(void (*f)(void))
{
	int status;
	pid_t pid;

	fflush(stdout);
	if ((pid = fork()) == 0) {
		if (freopen("/dev/null", "w", stderr) == NULL)
			_exit(99);
		f();
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

static void
too_large(void)
{
	secret_free(secret_new(1025));
}

static void
empty(void)
{
	secret_free(secret_new(0));
}

static void
outside(void)
{
	struct secret *s = secret_new(32);

	secret_free(secret_slice(s, 16, 17));
	secret_free(s);
}

static void
twice(void)
{
	struct secret *s = secret_new(32);

	secret_free(s);
	secret_free(s);
}

int
main(void)
{
	test_one();
	test_many();
	T_INT(exit_of(too_large), 11);
	T_INT(exit_of(empty), 11);
	T_INT(exit_of(outside), 11);
	T_INT(exit_of(twice), 11);
	return t_done();
}
