/* What strangers call their files must do no harm on others' disks. */
#include "../test.h"
#include "wire/filename.h"

#define LONG64                                                                 \
	"0123456789012345678901234567890123456789012345678901234567890123"

static const struct {
	const char *path, *name;
} made[] = {
	{ "plan.pdf", "plan.pdf" },
	{ "/home/alice/plan.pdf", "plan.pdf" },
	{ "../../etc/passwd", "passwd" },
	{ "dir/sub//", "sub" },
	{ "", "_" },
	{ "/", "_" },
	{ ".", "_" },
	{ "..", "_." },
	{ ".bashrc", "_bashrc" },
	{ "-rf", "_rf" },
	{ " a b ", "_a b_" },
	{ "a\nb\tc\033[31m", "a_b_c_[31m" },
	{ "x\xe2\x80\xaegpj.exe", "x_gpj.exe" },
	{ "caf\xc3\xa9.txt", "caf\xc3\xa9.txt" },
	{ "\xff\xfe", "__" },
	{ LONG64 LONG64, LONG64 LONG64 },
	{ LONG64 LONG64 "x", LONG64 LONG64 },
	{ LONG64
	    "012345678901234567890123456789012345678901234567890123456789012"
	    "\xc3\xa9",
	    LONG64
	    "012345678901234567890123456789012345678901234567890123456789012" },
};

static const char *const bad[] = { "", ".", "..", ".x", "-x", " x", "x ", "a/b",
	"a\x01", "a\x7f", "a\xe2\x80\xae", "a\xc2\x85", "\xff", "a\xc3",
	LONG64 LONG64 "x" };

int
main(void)
{
	char out[FILENAME_SIZE];
	size_t i;

	for (i = 0; i < sizeof made / sizeof made[0]; i++) {
		filename_of(out, made[i].path);
		T_STR(out, made[i].name);
		T(filename_is(out));
	}
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++)
		T(!filename_is(bad[i]));
	T(filename_is("plan v2.pdf") && filename_is("a") && filename_is("_."));
	return t_done();
}
