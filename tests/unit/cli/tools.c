/*
 * sec-confctl, sec-pal, sec-watch and sec-talk as processes, against an
 * agent that answers by a table: what they ask, print and return.
 */
#include <fcntl.h>
#include <limits.h>
#include <sys/ioctl.h>

#include "base/clock.h"
#include "fakeagent.h"

static char out[200000], err[200000];

/* bin/PROG beside the directory of unit tests. */
static void
program(char *path, const char *prog)
{
	char self[PATH_MAX], *s;
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	int i;

	if (n < 0)
		exit(1);
	self[n] = '\0';
	for (i = 0; i < 4 && (s = strrchr(self, '/')) != NULL; i++)
		*s = '\0';
	snprintf(path, PATH_MAX, "%.3000s/bin/%s", self, prog);
}

static int
temp(const char *content, size_t n)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/temp", fake_dir);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	unlink(path);
	if (fd < 0 || write(fd, content, n) != (ssize_t)n ||
	    lseek(fd, 0, SEEK_SET) != 0)
		exit(1);
	return fd;
}

static void
take(int fd, char *to)
{
	ssize_t n = pread(fd, to, sizeof(out) - 1, 0);

	to[n > 0 ? n : 0] = '\0';
	close(fd);
}

/* The next program leads a session on the terminal that is its stdin. */
static int start_session;

/* Start `PROG ARG ...` with these descriptors. "%20" is a blank. */
static pid_t
start(const char *line, int in, int to, int errors)
{
	char copy[512], path[PATH_MAX], *argv[32], *s = copy, *p;
	int argc = 0;
	pid_t pid;

	snprintf(copy, sizeof(copy), "%s", line);
	while ((argv[argc] = strsep(&s, " ")) != NULL) {
		while ((p = strstr(argv[argc], "%20")) != NULL) {
			*p = ' ';
			memmove(p + 1, p + 3, strlen(p + 3) + 1);
		}
		argc++;
	}
	program(path, argv[0]);
	fflush(stdout);
	if ((pid = fork()) == 0) {
		dup2(in, 0);
		dup2(to, 1);
		dup2(errors, 2);
		if (start_session) {
			setsid();
			ioctl(0, TIOCSCTTY, 0);
		}
		execv(path, argv);
		_exit(99);
	}
	return pid;
}

static int
ended(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		exit(1);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int
run_in(const char *line, const char *input, size_t n)
{
	int in = temp(input, n), to = temp("", 0), errors = temp("", 0), r;

	r = ended(start(line, in, to, errors));
	close(in);
	take(to, out);
	take(errors, err);
	return r;
}

static int
run(const char *line)
{
	return run_in(line, "", 0);
}

#define USER(n)	   "sip:" n "@lab.test"
#define CONF(n)	   "sip:" n "@conf.lab.test"
#define INVITEE(n) "row what=invitee user=" USER(n) " state="

#define EVENT(seq, name) "row seq=" seq " time=1795357987120 event=" name
#define TEXT_EVENT                                                             \
	EVENT("2", "text")                                                     \
	" conf=" CONF("ops") " user=" USER("bob") " text=a%09b%0a\"c"

#define SAID(n) "row what=text user=" USER(n) " q=1.7 at=1795357987120 text="

#define KEY32 "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

static const struct fake agent[] = {
	FAKE_STATUS,
	/* Stories 1.1, 1.7 */
	{ "create name=hello",
	    "row what=created conf=" CONF("hello") " name=hello\n" INVITEE("bob") "ringing\n" INVITEE(
		"bob") "accepted code=200 conf=" CONF("hello") "\nok conf=" CONF("hello") },
	{ "create name=taken",
	    "error code=409 reason=taken:%20name%20in%20use" },
	{ "create who=bob,carol,dave,tel:+15551234567 timeout=30",
	    "row what=created conf=" CONF("c-7f3k9q") " name=c-7f3k9q\n" INVITEE("dave") "offline code=480\n" INVITEE(
		"bob") "accepted code=200\n"
		       "row what=invitee user=tel:+15551234567 state=failed code=488\n" INVITEE(
			   "carol") "busy code=486 note=in%20review,%20back%2014:40\n"
				    "ok conf=" CONF("c-7f3k9q") },
	{ "create who=bob,carol,dave wait=0",
	    "row what=created conf=" CONF("c-1") " name=c-1\nok conf=x" },
	{ "create who=carol,erin",
	    "row what=created conf=" CONF("c-2") " name=c-2\n" INVITEE(
		"erin") "declined code=603\n" INVITEE("carol") "timeout code=408\nok" },
	{ "create who=slow",
	    "row what=created conf=" CONF("c-3") " name=c-3\n" INVITEE(
		"slow") "ringing" },
	{ "create", "row what=created conf=" CONF("c-4") " name=c-4\nok" },
	{ "invite conf=ops who=a,b,c",
	    INVITEE("a") "nothing code=404\n" INVITEE(
		"b") "failed code=503 note=x\n" INVITEE("c") "accepted code=200\nok" },
	{ "invite conf=" CONF("standup") " who=erin",
	    INVITEE("erin") "declined code=603\nok" },
	{ "invite conf=closed", "error code=403 reason=not%20a%20member" },
	{ "list all=1",
	    "row conf=" CONF(
		"b") " media=text in=0 member=0\n"
		     "row conf=" CONF(
			 "standup") " media=text,voice in=3"
				    " creator=" USER(
					"alice") " since=1795357987120 access=domain"
						 " member=1 persistent=1 title=a%20title\nok" },
	{ "list",
	    "row conf=" CONF(
		"standup") " media=text in=2"
			   " creator=" USER(
			       "bob") " since=1795357987120 member=1\nok" },
	{ "show conf=" CONF("standup"),
	    "row what=conf conf=" CONF(
		"standup") " name=standup cid=01"
			   " media=text access=invited created=1795357987120 creator=" USER(
			       "alice") " epoch=2 suite=s state=open\n"
					"row what=member user=" USER(
					    "alice") " status=active media=text"
						     " via=voip q=1.7,1.9 since=1795357987120\n"
						     "row what=member user=" USER(
							 "bob") " status=active media=text\n"
								"row what=member user=" USER(
								    "x") " status=left media=text\n"
									 "ok" },
	{ "show conf=" CONF("helpdesk-3"),
	    "row what=conf conf=" CONF(
		"helpdesk-3") " media=voice"
			      " created=1795357987120"
			      "\n"
			      "row what=member user=" USER(
				  "kim") " status=active media=voice"
					 " talking=1\n"
					 "row what=member user=tel:+15551234567 status=active media=voice"
					 " via=phone\n"
					 "row what=member user=" USER(
					     "x") " status=left\nok" },
	{ "show", "error code=404 reason=nosuch:%20no%20such%20conference" },
	{ "join conf=new", "ok conf=" CONF("new") " joined=1" },
	{ "leave all=1", "ok" },
	{ "rekey conf=ops", "ok conf=" CONF("ops") " epoch=5 members=3" },
	{ "leave conf=" CONF("standup"), "ok" },
	{ "end conf=ops",
	    "error code=403 reason=only%20alice%20may%20do%20that" },
	{ "invites",
	    "row invite=i-3d9w user=" USER("bob") " conf=" CONF(
		"ops") " name=ops media=text at=1795357987120\nok" },
	{ "reply what=accept invite=i-3d9w",
	    "ok conf=" CONF("ops") " invite=i-3d9w" },
	{ "reply what=decline invite=i-1", "ok" },
	{ "reply", "error code=404 reason=no%20such%20invitation" },
	{ "policy what=accept who=alice,bob,carol", "ok" },
	{ "policy what=ask", "ok" },
	/* Story 1.3 */
	{ "pal status=available",
	    "row uri=" USER("bob") " type=user status=available\nok" },
	{ "pal who=nobody", "ok" },
	{ "pal who=sett", "ok" },
	{ "pal who=carol",
	    "row uri=" USER(
		"carol") " type=user status=busy"
			 " since=1795357987120 note=in%20review media=text,voice\nok" },
	{ "pal who=things",
	    "row uri=" CONF(
		"ops") " type=conference status=open cid=7"
		       " since=1795357987120 count=3 talking=" USER("bob") "," USER(
			   "kim") "\n"
				  "row uri=sip:bedroom@lamp.lab.test type=lamp status=on state=on"
				  " since=1795357987120 stale=1 label=mine\n"
				  "row uri=tel:+15551234567 type=phone note=reception"
				  " label=reception\n"
				  "row uri=" USER(
				      "dave") " type=user status=denied rule=same-org\n"
					      "row uri=" USER(
						  "carol") " type=user status=offline note=n"
							   " label=boss\nok" },
	{ "pal who=empty", "ok" },
	{ "pal-show entry=carol",
	    "row uri=" USER("carol") " type=user status=coffee class=away"
				     " since=1795357987120 note=in%20review"
				     " media=text,voice reach=voip,phone"
				     " label=boss\nok" },
	{ "pal-show entry=vp",
	    "error code=403 reason=vp:%20not%20permitted%20by%20rule%20%22r%22" },
	{ "pal-show entry=nobody",
	    "error code=404 reason=nobody:%20no%20such%20entry" },
	{ "pal-show entry=lamp:bedroom",
	    "row uri=sip:bedroom@lamp.lab.test type=lamp status=on state=o%1bn"
	    " since=1795357987120 stale=1\nok" },
	{ "pal-add entry=bob attrs=status,note label=boss",
	    "row uri=" USER("bob") " type=user status=away label=boss\nok" },
	{ "pal-add entry=dave",
	    "row uri=" USER("dave") " type=user status=offline\nok" },
	{ "pal-add entry=conf:helpdesk",
	    "row uri=" CONF("helpdesk") " type=conference status=open"
					" count=1\nok" },
	{ "pal-add entry=lamp:bedroom",
	    "row uri=sip:bedroom@lamp.lab.test type=lamp status=on\nok" },
	{ "pal-add entry=vp",
	    "error code=403 reason=vp:%20not%20permitted%20by%20rule%20%22r%22" },
	{ "pal-rm entry=dave", "ok" },
	{ "pal-rm entry=zoe", "error code=404 reason=zoe:%20not%20there" },
	{ "pal-watchers",
	    "row uri=" USER("carol") " type=user since=1795357987120\n"
				     "row uri=" USER("bob") " type=user\nok" },
	{ "pal-put entry=lamp:bedroom expires=2700 state%3Don level%3D3",
	    "ok" },
	{ "pal-put", "error code=403 reason=lamp:x:%20not%20its%20owner" },
	{ "pal",
	    "row uri=" CONF(
		"ops") " type=conference status=open\n"
		       "row uri=" USER(
			   "carol") " type=user status=busy class=busy"
				    " since=1795357987120 note=in%20%1b[2Jreview media=text\n"
				    "row uri=" USER(
					"bob") " type=user status=available"
					       " since=1795357987120\nok" },
	/* sec-watch */
	{ "last", "ok ring=r1 seq=12" },
	{ "events since=0 follow=0",
	    EVENT("1",
		"session.up") " until=1795357987120 ring=r1\n" TEXT_EVENT
			      "\n" EVENT("3", "invite.done") " user=" USER(
				  "bob") " result=busy"
					 " code=486 media=text,voice\nok" },
	{ "events since=5 ring=r0",
	    EVENT("12", "gap") " from=5 to=12\n" EVENT("12", "conf.join") " conf=" CONF(
		"ops") " user=" USER("carol") " now=1\n" TEXT_EVENT },
	{ "events state=1",
	    EVENT("7", "pal") " entry=" USER(
		"carol") " status=busy now=1\n" EVENT("7",
		"pal") " entry=sip:bedroom@lamp.lab.test state=on" },
	{ "events since=6", "!close" },
	{ "events",
	    TEXT_EVENT "\n" EVENT("9", "conf.end") " conf=" CONF("ops") },
	/* sec-talk; Stories 1.9, 1.10 */
	{ "join conf=ops hold=1",
	    "ok conf=" CONF("ops") " name=ops"
				   " media=text joined=1" },
	{ "join conf=voiceonly", "ok conf=" CONF("v") " media=voice" },
	{ "attach conf=" CONF("v"),
	    "row what=attached conf=" CONF(
		"v") " name=v cid=0100000000000001 "
		     "q=1.1 media=127.0.0.1:9 server=1 suite=0x0006 codec=opus ptime=20 "
		     "epoch=1 key=" KEY32 " hop=" KEY32
		     " hopid=1 offset=0 mode=hear "
		     "vol=0 me=" USER("alice") "\nrow what=peer q=1.2 user=" USER(
			 "bob") " state=in" },
	{ "join conf=both", "ok conf=" CONF("v") " media=text,voice" },
	{ "join conf=" CONF("v"), "ok conf=" CONF("v") " media=text,voice" },
	{ "join conf=over", "ok conf=" CONF("over") " media=text" },
	{ "join conf=away", "ok conf=" CONF("away") " media=text" },
	{ "listen conf=" CONF("away"),
	    "row what=open members=" USER(
		"bob") "\nrow what=notice kind=media at=1795357987120 "
		       "text=text,voice"
		       "\nrow what=notice kind=end at=1795357987120 text=left" },
	{ "join conf=out", "ok conf=" CONF("out") " media=text" },
	{ "listen conf=" CONF("out"),
	    "row what=open members=" USER(
		"bob") "\nrow what=notice kind=end at=1795357987120 "
		       "text=alice%20removed%20you" },
	{ "join", "error code=403 reason=not%20invited%20to%20secret" },
	{ "listen conf=" CONF("over"),
	    "row what=open members=" USER("bob") "\n" SAID(
		"bob") "last\n"
		       "row what=notice kind=end at=1795357987120 text=bob%20ended%20it" },
	{ "listen",
	    "row what=open conf=" CONF("ops") " name=ops members=" USER(
		"alice") "," USER("bob") "," USER("carol") },
	/* bob is heard before the echo, carol leaves after it. */
	{ "say text=hi",
	    ">" SAID("bob") "who%20broke%20it\n>" SAID(
		"alice") "hi\nok seq=1 missed=0\n"
			 ">row what=notice kind=leave user=" USER(
			     "carol") " at=1795357987120" },
	{ "say text=odd",
	    ">" SAID(
		"mal") "a%1b[2Jb%0a14:33%20bob:%20c\n>"
		       "row what=text user=" USER("bob") " to=" USER(
			   "alice") " clear=1 verified=0 text=x at=1795357987120\n"
				    ">row what=notice kind=status user=" USER(
					"bob") " text=busy at=1795357987120\n"
					       ">row what=notice kind=gap user=" USER(
						   "bob") " text=2%20messages%20missing at=1795357987120\n"
							  ">row what=notice kind=lost text=127.0.0.1:1 at=1795357987120\n>" SAID(
							      "alice") "odd\nok" },
	{ "say text=lost",
	    ">" SAID("alice") "lost\nok seq=2 missed=2 names=" USER(
		"carol") "," USER("dave") },
	{ "say text=lost1", ">" SAID("alice") "lost1\nok missed=1" },
	{ "say text=refused", "error code=403 reason=not%20a%20member" },
	{ "say text=die", "!close" },
	{ "say", "ok seq=3 missed=0" },
	{ "set value=busy note=writing", "ok status=busy note=writing" },
	{ "set value=available", "ok status=available" },
	{ "set value=away", "ok status=away class=away until=1795357987120" },
	{ "set value=coffee class=away", "ok status=coffee class=away" },
	{ NULL, NULL },
};

struct row {
	const char *line;
	int exit;
	const char *out, *err;
};

static void
try_rows(const struct row *row, size_t n)
{
	size_t i;
	int r;

	for (i = 0; i < n; i++) {
		r = run(row[i].line);
		T_OK(r == row[i].exit, "%s: exit %d", row[i].line, r);
		if (row[i].out != NULL)
			T_STR(out, row[i].out);
		if (row[i].err != NULL)
			T_STR(err, row[i].err);
	}
}

#define TRY(rows) try_rows(rows, sizeof(rows) / sizeof(*(rows)))

static void
test_confctl(void)
{
	static const struct row rows[] = {
		{ "sec-confctl create -n hello bob", 0, "hello\n",
		    "bob accepted\n" },
		{ "sec-confctl create -n hello bob -q", 0, "hello\n", "" },
		{ "sec-confctl create -n hello bob -j", 0,
		    "{\"v\":1,\"conf\":\"sip:hello@conf.lab.test\"}\n"
		    "{\"v\":1,\"conf\":\"sip:hello@conf.lab.test\","
		    "\"user\":\"sip:bob@lab.test\",\"result\":\"accepted\","
		    "\"code\":200}\n",
		    "" },
		{ "sec-confctl create -n taken bob", 1, "",
		    "sec-confctl: taken: name in use\n" },
		{ "sec-confctl create -T 30 bob carol dave tel:+15551234567", 0,
		    "c-7f3k9q\n",
		    "dave              offline\n"
		    "bob               accepted\n"
		    "tel:+15551234567  no voice in this conference; "
		    "not invited\n"
		    "carol             busy (in review, back 14:40)\n" },
		{ "sec-confctl create -W -T 30 bob carol dave "
		  "tel:+15551234567",
		    7, "c-7f3k9q\n", NULL },
		{ "sec-confctl create -T 0 bob carol dave", 0, "c-1\n", "" },
		{ "sec-confctl create carol erin", 9, "c-2\n",
		    "erin   declined\ncarol  no answer\n" },
		{ "sec-confctl create", 0, "c-4\n", "" },
		{ "sec-confctl create -m text,smell bob", 2, "", NULL },
		{ "sec-confctl create a,b", 2, "", NULL },
		{ "sec-confctl invite ops a b c", 0, "",
		    "a  no such user\nb  failed (x)\nc  accepted\n" },
		{ "sec-confctl invite ops a b c -W", 5, "", NULL },
		{ "sec-confctl invite . erin", 6, "", "erin declined\n" },
		{ "sec-confctl invite closed bob", 4, "",
		    "sec-confctl: not a member\n" },
		{ "sec-confctl invite ops", 2, "", NULL },
		{ "sec-confctl list", 0, "standup  text  2  bob  14:33\n", "" },
		{ "sec-confctl list -a", 0,
		    "b        text        0  -      -\n"
		    "standup  text voice  3  alice  14:33  a title\n",
		    "" },
		{ "sec-confctl list -aq", 0, "b\nstandup\n", "" },
		{ "sec-confctl list -j", 0,
		    "{\"v\":1,\"conf\":\"sip:standup@conf.lab.test\","
		    "\"media\":[\"text\"],\"in\":2,"
		    "\"creator\":\"sip:bob@lab.test\","
		    "\"since\":\"2026-11-22T14:33:07.120Z\",\"member\":true,"
		    "\"persistent\":false}\n",
		    "" },
		{ "sec-confctl show .", 0,
		    "standup  text  open 14:33  key generation 2  creator "
		    "alice\n"
		    "alice  active  text\nbob    active  text\n",
		    "" },
		{ "sec-confctl show . -q", 0, "alice\nbob\n", "" },
		{ "sec-confctl show . -j", 0,
		    "{\"v\":1,\"conf\":\"sip:standup@conf.lab.test\","
		    "\"media\":[\"text\"],\"state\":\"open\","
		    "\"access\":\"invited\","
		    "\"created\":\"2026-11-22T14:33:07.120Z\","
		    "\"creator\":\"sip:alice@lab.test\",\"key_gen\":2,"
		    "\"suite\":\"s\",\"id\":\"01\",\"members\":["
		    "{\"user\":\"sip:alice@lab.test\",\"status\":\"active\","
		    "\"media\":[\"text\"],\"via\":\"voip\","
		    "\"q\":[\"1.7\",\"1.9\"],"
		    "\"since\":\"2026-11-22T14:33:07.120Z\"},"
		    "{\"user\":\"sip:bob@lab.test\",\"status\":\"active\","
		    "\"media\":[\"text\"],\"q\":[]},"
		    "{\"user\":\"sip:x@lab.test\",\"status\":\"left\","
		    "\"media\":[\"text\"],\"q\":[]}]}\n",
		    "" },
		{ "sec-confctl show nosuch", 5, "",
		    "sec-confctl: nosuch: no such conference\n" },
		{ "sec-confctl show -j nosuch", 5, "",
		    "{\"v\":1,\"error\":\"nothing\",\"code\":5,\"message\":"
		    "\"nosuch: no such conference\"}\n" },
		{ "sec-confctl join new", 0, "", "" },
		{ "sec-confctl join new -j", 0,
		    "{\"v\":1,\"conf\":\"sip:new@conf.lab.test\"}\n", "" },
		{ "sec-confctl leave", 0, "", "" },
		{ "sec-confctl leave -a", 0, "", "" },
		{ "sec-confctl leave -a x", 2, "", NULL },
		{ "sec-confctl rekey ops", 0, "key generation 5, 3 members\n",
		    "" },
		{ "sec-confctl rekey ops -j", 0,
		    "{\"v\":1,\"conf\":\"sip:ops@conf.lab.test\","
		    "\"key_gen\":5,\"members\":3}\n",
		    "" },
		{ "sec-confctl end ops", 4, "",
		    "sec-confctl: only alice may do that\n" },
		{ "sec-confctl invites -q", 0, "i-3d9w\n", "" },
		{ "sec-confctl accept", 0, "", "" },
		{ "sec-confctl accept i-3d9w -j", 0,
		    "{\"v\":1,\"conf\":\"sip:ops@conf.lab.test\","
		    "\"invite\":\"i-3d9w\"}\n",
		    "" },
		{ "sec-confctl decline i-1 -N after%20lunch", 0, "", "" },
		{ "sec-confctl busy i-2", 5, "",
		    "sec-confctl: no such invitation\n" },
		{ "sec-confctl answer accept alice,bob carol", 0, "", "" },
		{ "sec-confctl answer ask", 0, "", "" },
		{ "sec-confctl answer never", 2, "", NULL },
		{ "sec-confctl crate", 2, "", NULL },
		{ "sec-confctl", 2, "", NULL },
	};

	TRY(rows);
	T_INT(run_in("sec-confctl invite . -", " erin \n\n", 8), 6);
	T_STR(err, "erin declined\n");
	T_INT(run_in("sec-confctl invite . -", "", 0), 0);
	fake_asked();
	T_INT(run("sec-confctl create --open --title x%20y --anyway"), 0);
	T(strstr(fake_asked(),
	      "create id=2 title=x y access=domain anyway=1\n") != NULL);
}

/* INT while somebody's telephone rings: the id stays valid, exit 130, and
 * the connection is closed, by which the agent knows. */
static void
test_interrupt(void)
{
	int in = temp("", 0), errors = temp("", 0), fd[2];
	char text[64];
	pid_t pid;

	if (pipe(fd) != 0)
		exit(1);
	fake_asked();
	pid = start("sec-confctl create slow", in, fd[1], errors);
	close(fd[1]);
	T_INT(read(fd[0], text, sizeof(text)), 4);
	T(memcmp(text, "c-3\n", 4) == 0);
	kill(pid, SIGINT);
	T_INT(ended(pid), 130);
	take(errors, err);
	T_STR(err, "slow cancelled\n");
	close(in);
	close(fd[0]);
}

static void
test_pal(void)
{
	static const struct row rows[] = {
		{ "sec-pal", 0,
		    "bob       available  14:33\n"
		    "carol     busy       14:33  in \\x1b[2Jreview\n"
		    "conf:ops  open       -\n",
		    "" },
		{ "sec-pal list -q -s available", 0, "bob\n", "" },
		{ "sec-pal -q -s available", 0, "bob\n", "" },
		{ "sec-pal list nobody", 0, "", "" },
		{ "sec-pal list carol -j", 0,
		    "{\"v\":1,\"entry\":\"sip:carol@lab.test\","
		    "\"type\":\"user\",\"status\":\"busy\","
		    "\"note\":\"in review\","
		    "\"since\":\"2026-11-22T14:33:07.120Z\","
		    "\"media\":[\"text\",\"voice\"]}\n",
		    "" },
		{ "sec-pal list things", 0,
		    "carol             offline  -      n (boss)\n"
		    "dave              denied   -      by rule \"same-org\"\n"
		    "tel:+15551234567  -        -      reception\n"
		    "lamp:bedroom      on       14:33  stale (mine)\n"
		    "conf:ops          open     14:33  3 in, bob, kim talking\n",
		    "" },
		{ "sec-pal list empty", 0, "", "" },
		{ "sec-pal show carol", 0,
		    "entry      sip:carol@lab.test\n"
		    "type       user\n"
		    "status     coffee (away)      since 14:33   note \"in "
		    "review\"\n"
		    "media      text voice\n"
		    "reach      voip (preferred), phone\n"
		    "label      boss\n",
		    "" },
		{ "sec-pal show lamp:bedroom", 0,
		    "entry      sip:bedroom@lamp.lab.test\n"
		    "type       lamp\n"
		    "status     on      since 14:33   stale\n"
		    "state      o\\x1bn\n",
		    "" },
		{ "sec-pal show -j lamp:bedroom", 0,
		    "{\"v\":1,\"entry\":\"sip:bedroom@lamp.lab.test\","
		    "\"type\":\"lamp\",\"status\":\"on\","
		    "\"since\":\"2026-11-22T14:33:07.120Z\","
		    "\"stale\":true,\"state\":\"o\\u001bn\"}\n",
		    "" },
		{ "sec-pal show conf:helpdesk-3", 0,
		    "conf:helpdesk-3  voice  open 14:33\n"
		    "kim               active  voice  talking\n"
		    "tel:+15551234567  active  phone\n",
		    "" },
		{ "sec-pal show conf:helpdesk-3 -q", 0,
		    "kim\ntel:+15551234567\n", "" },
		{ "sec-pal show conf:helpdesk-3 -j", 0,
		    "{\"v\":1,\"entry\":\"sip:helpdesk-3@conf.lab.test\","
		    "\"type\":\"conference\",\"status\":\"open\","
		    "\"since\":\"2026-11-22T14:33:07.120Z\","
		    "\"media\":[\"voice\"],\"members\":[{"
		    "\"user\":\"sip:kim@lab.test\",\"status\":\"active\","
		    "\"media\":[\"voice\"],\"talking\":true},{"
		    "\"user\":\"tel:+15551234567\",\"status\":\"active\","
		    "\"media\":[\"voice\"],\"via\":\"phone\"}]}\n",
		    "" },
		{ "sec-pal show conf:nosuch", 5, "",
		    "sec-pal: nosuch: no such conference\n" },
		{ "sec-pal show vp", 4, "",
		    "sec-pal: vp: not permitted by rule \"r\"\n" },
		{ "sec-pal show nobody", 5, "",
		    "sec-pal: nobody: no such entry\n" },
		{ "sec-pal get lamp:bedroom state", 0, "o\\x1bn\n", "" },
		{ "sec-pal get lamp:bedroom colour", 5, "",
		    "sec-pal: lamp:bedroom has no colour\n" },
		{ "sec-pal get vp state", 4, "", NULL },
		{ "sec-pal add dave conf:helpdesk lamp:bedroom", 0,
		    "dave           offline\n"
		    "conf:helpdesk  open     1 in\n"
		    "lamp:bedroom   on\n",
		    "" },
		{ "sec-pal add --attrs status,note -N boss bob", 0,
		    "bob  away  boss\n", "" },
		/* One that may not be, and the others all the same. */
		{ "sec-pal add dave vp lamp:bedroom", 4,
		    "dave          offline\nlamp:bedroom  on\n",
		    "sec-pal: vp: not permitted by rule \"r\"\n" },
		{ "sec-pal add", 2, "", NULL },
		{ "sec-pal add Lamp:x", 2, "", NULL },
		{ "sec-pal add --attrs Status bob", 2, "", NULL },
		{ "sec-pal rm dave", 0, "", "" },
		{ "sec-pal rm zoe dave", 5, "", "sec-pal: zoe: not there\n" },
		{ "sec-pal watchers", 0, "bob\ncarol\n", "" },
		{ "sec-pal watchers -j", 0,
		    "{\"v\":1,\"entry\":\"sip:bob@lab.test\","
		    "\"type\":\"user\"}\n"
		    "{\"v\":1,\"entry\":\"sip:carol@lab.test\","
		    "\"type\":\"user\","
		    "\"since\":\"2026-11-22T14:33:07.120Z\"}\n",
		    "" },
		{ "sec-pal put lamp:bedroom state=on level=3 -t 45m", 0, "",
		    "" },
		{ "sec-pal put lamp:x state=on", 4, "",
		    "sec-pal: lamp:x: not its owner\n" },
		{ "sec-pal put lamp:bedroom state", 2, "", NULL },
		{ "sec-pal put lamp:bedroom text=x", 2, "", NULL },
		{ "sec-pal put bob state=on", 2, "", NULL },
		{ "sec-pal put lamp:bedroom state=on -t 0", 2, "", NULL },
		{ "sec-pal set away -t 45", 0, "away  until 14:33\n", "" },
		{ "sec-pal set coffee --as away -j", 0,
		    "{\"v\":1,\"status\":\"coffee\",\"class\":\"away\"}\n",
		    "" },
		{ "sec-pal set busy --as away", 2, "", NULL },
		{ "sec-pal set coffee --as tea", 2, "", NULL },
		{ "sec-pal set busy -t soon", 2, "", NULL },
		{ "sec-pal set busy -N writing", 0, "busy  writing\n", "" },
		{ "sec-pal set available", 0, "", "" },
		{ "sec-pal set available -j", 0,
		    "{\"v\":1,\"status\":\"available\"}\n", "" },
		{ "sec-pal set", 2, "", NULL },
		{ "sec-pal sett", 2, "", NULL },
		{ "sec-pal carol -q", 0, "carol\n", "" },
		{ "sec-pal -u zoe", 3, "",
		    "sec-pal: zoe is not logged in; log in first: "
		    "sec-login zoe\n" },
	};

	TRY(rows);
}

#define J_HEAD(seq, name)                                                      \
	"{\"v\":1,\"seq\":" seq ",\"time\":\"2026-11-22T14:33:07.120Z\","      \
	"\"event\":\"" name "\""
#define J_TEXT                                                                 \
	J_HEAD("2", "text")                                                    \
	",\"conf\":\"sip:ops@conf.lab.test\",\"user\":\"sip:bob@lab.test\","   \
	"\"text\":\"a\\tb\\n\\\"c\"}\n"
#define J_GAP J_HEAD("12", "gap") ",\"from\":5,\"to\":12}\n"

static void
test_watch(void)
{
	static const struct row rows[] = {
		{ "sec-watch --last", 0, "r1:12\n", "" },
		{ "sec-watch --since 0 -T 0", 0,
		    J_HEAD("1",
			"session.up") ",\"until\":"
				      "\"2026-11-22T14:33:07.120Z\",\"ring\":\"r1\"}\n" J_TEXT
					  J_HEAD("3",
					      "invite.done") ",\"user\":"
							     "\"sip:bob@lab.test\",\"result\":\"busy\",\"code\":486,"
							     "\"media\":[\"text\",\"voice\"]}\n",
		    "" },
		{ "sec-watch -1", 0, J_TEXT, "" },
		{ "sec-watch -n 1 -e te?t -e x -c ops --by bob", 0, J_TEXT,
		    "" },
		{ "sec-watch -n 1 -e conf.*", 0,
		    J_HEAD("9", "conf.end") ",\"conf\":"
					    "\"sip:ops@conf.lab.test\"}\n",
		    "" },
		/* A gap is told, but it is not what was waited for. */
		{ "sec-watch -1 --since r0:5 -e text", 0, J_GAP J_TEXT, "" },
		{ "sec-watch -1 --since r0:5 -e gap", 0, J_GAP, "" },
		{ "sec-watch -1 --since r0:5 --by carol", 0,
		    J_GAP J_HEAD("12",
			"conf.join") ",\"conf\":"
				     "\"sip:ops@conf.lab.test\",\"user\":"
				     "\"sip:carol@lab.test\",\"now\":true}\n",
		    "" },
		{ "sec-watch -1 --state -c lamp:bedroom", 0,
		    J_HEAD("7",
			"pal") ",\"entry\":"
			       "\"sip:bedroom@lamp.lab.test\",\"state\":\"on\"}\n",
		    "" },
		{ "sec-watch -1 --state -c carol", 0,
		    J_HEAD("7", "pal") ",\"entry\":\"sip:carol@lab.test\","
				       "\"status\":\"busy\",\"now\":true}\n",
		    "" },
		{ "sec-watch -1 --state -e none -T 1", 9, "", "" },
		{ "sec-watch --since 6", 10, "",
		    "sec-watch: session lost; come back with sec-login\n" },
		{ "sec-watch --since x", 2, "", NULL },
		{ "sec-watch -n 0", 2, "", NULL },
		{ "sec-watch --last --since 0", 2, "", NULL },
		{ "sec-watch ops", 2, "", NULL },
		/* -x: the object on stdin, fields in the environment. */
		{ "sec-watch -n 2 -x cat;echo%20$SEC_EV_EVENT%20$SEC_EV_SEQ%20"
		  "$SEC_CONF%20$SEC_EV_OLD",
		    0,
		    J_TEXT "text 2 sip:ops@conf.lab.test\n" J_HEAD("9",
			"conf.end") ",\"conf\":"
				    "\"sip:ops@conf.lab.test\"}\n"
				    "conf.end 9 sip:ops@conf.lab.test\n",
		    "" },
		{ "sec-watch -1 -x exit%203", 0, "",
		    "sec-watch: exit 3: exit status 3\n" },
		{ "sec-watch --since 0 -T 0 -x echo%20$SEC_EV_USER", 0,
		    "\nsip:bob@lab.test\nsip:bob@lab.test\n", "" },
	};

	setenv("SEC_EV_OLD", "inherited", 1);
	TRY(rows);
}

static int
recv_ready(int fd)
{
	struct pollfd p = { fd, POLLIN, 0 };

	return poll(&p, 1, 0) > 0;
}

/* The texts of what was said, one per line. */
static const char *
said(void)
{
	static char text[400000];
	char *s = fake_asked(), *line, *p;
	size_t n = 0;

	while ((line = strsep(&s, "\n")) != NULL)
		if (strncmp(line, "say ", 4) == 0 &&
		    (p = strstr(line, " text=")) != NULL)
			n += (size_t)sprintf(text + n, "%s\n", p + 6);
	text[n] = '\0';
	return text;
}

static void
test_talk_send(void)
{
	char big[50001];
	int i;

	fake_asked();
	T_INT(run_in("sec-talk -s ops", "one\n\ntwo%\tx\nthree", 17), 0);
	T_STR(out, "");
	T_STR(err, "");
	T_STR(said(), "one\n\ntwo%25%09x\nthree\n");
	T_INT(run_in("sec-talk -s -1 ops", "a\nb\n", 4), 0);
	T_STR(said(), "a%0Ab\n");
	T_INT(run_in("sec-talk -s -0 ops", "a\nb\0c", 5), 0);
	T_STR(said(), "a%0Ab\nc\n");
	T_INT(run_in("sec-talk -s ops", "", 0), 0);
	T_STR(said(), "");
	/* Not UTF-8, NUL */
	T_INT(run_in("sec-talk -s ops", "\xff\0\xc3", 3), 0);
	T_STR(said(), "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\n");
	/* 16 KiB and more: at a line, else at a character. */
	memset(big, 'x', sizeof(big));
	big[16384] = '\n';
	T_INT(run_in("sec-talk -s ops", big, 16385), 0);
	T_STR(err, "");
	T_INT(strlen(said()), 16385);
	big[16383] = '\n';
	big[16384] = '\xc3';
	big[16385] = '\xb6';
	big[40000] = '\n';
	T_INT(run_in("sec-talk -s -1 ops", big, 20000), 0);
	T_STR(err, "sec-talk: longer than 16 KiB; sent in parts\n");
	T(strstr(said(), "x\n\xc3\xb6x") != NULL);
	for (i = 1; i < 32768; i += 2)
		memcpy(big + i, "\xc3\xb6", 2);
	big[32769] = '\n';
	T_INT(run_in("sec-talk -s ops", big, 32770), 0);
	T_STR(err, "sec-talk: longer than 16 KiB; sent in parts\n");
	T(strncmp(said() + 16383, "\n\xc3\xb6", 3) == 0);
	/* --to */
	T_INT(run_in("sec-talk -s --to bob ops", "psst\n", 5), 0);
	T(strstr(fake_asked(), " text=psst to=bob\n") != NULL);
}

static void
test_talk(void)
{
	static const struct row rows[] = {
		{ "sec-talk -l over", 0, "14:33 bob: last\n",
		    "14:33 * over ended (bob ended it)\n" },
		{ "sec-talk -l away", 0, "",
		    "14:33 * away now has text,voice\n"
		    "14:33 * you have left away\n" },
		{ "sec-talk -l out", 0, "",
		    "14:33 * you are out of out (alice removed you)\n" },
		{ "sec-talk -i null -o /nosuch/x.wav voiceonly", 5, "",
		    "sec-talk: cannot write /nosuch/x.wav: "
		    "No such file or directory\n" },
		{ "sec-talk -i null -o null --stems /nosuch/x voiceonly", 5, "",
		    "sec-talk: cannot make /nosuch/x: "
		    "No such file or directory\n" },
		{ "sec-talk -l -j away", 0,
		    "{\"v\":1,\"time\":\"2026-11-22T14:33:07.120Z\","
		    "\"event\":\"conf.policy\","
		    "\"conf\":\"sip:away@conf.lab.test\","
		    "\"media\":[\"text\",\"voice\"]}\n"
		    "{\"v\":1,\"time\":\"2026-11-22T14:33:07.120Z\","
		    "\"event\":\"conf.end\","
		    "\"conf\":\"sip:away@conf.lab.test\","
		    "\"message\":\"left\"}\n",
		    "" },
		{ "sec-talk -l -j over", 0,
		    "{\"v\":1,\"time\":\"2026-11-22T14:33:07.120Z\","
		    "\"event\":\"text\",\"conf\":\"sip:over@conf.lab.test\","
		    "\"user\":\"sip:bob@lab.test\",\"text\":\"last\"}\n"
		    "{\"v\":1,\"time\":\"2026-11-22T14:33:07.120Z\","
		    "\"event\":\"conf.end\","
		    "\"conf\":\"sip:over@conf.lab.test\","
		    "\"message\":\"bob ended it\"}\n",
		    "" },
		{ "sec-talk secret", 4, "",
		    "sec-talk: not invited to secret\n" },
		{ "sec-talk voiceonly", 8, "",
		    "sec-talk: no text in this conference\n" },
		{ "sec-talk -l -t 0 ops", 0, "", "" },
		{ "sec-talk -l -s ops", 2, "", NULL },
		{ "sec-talk -1 -0 ops", 2, "", NULL },
		{ "sec-talk -m fax ops", 2, "", NULL },
		{ "sec-talk -m voice -i null -o null ops", 8, "",
		    "sec-talk: no voice in this conference\n" },
		{ "sec-talk -m voice -1 ops", 2, "", NULL },
		{ "sec-talk -m text -o null ops", 2, "", NULL },
		{ "sec-talk -m text ops hello", 2, "", NULL },
		{ "sec-talk -i /nonexistent ops", 5, "", NULL },
		{ "sec-talk -o - -f mp3 ops", 2, "", NULL },
		{ "sec-talk -o - -r 5 ops", 2, "", NULL },
		{ "sec-talk --soxfmt", 0, "-t s16 -r 48000 -c 1 -\n", "" },
		{ "sec-talk --soxfmt -r 16000", 0, "-t s16 -r 16000 -c 1 -\n",
		    "" },
		{ "sec-talk -t x ops", 2, "", NULL },
		{ "sec-talk", 2, "", NULL },
	};

	TRY(rows);
	T_INT(run_in("sec-talk ops", "hi\n", 3), 0);
	T_STR(out, "14:33 bob: who broke it\n14:33 alice: hi\n");
	T_INT(run_in("sec-talk ops", "odd\n", 4), 0);
	T_STR(out,
	    "14:33 mal: a\\x1b[2Jb\n      14:33 bob: c\n"
	    "14:33 bob to alice (clear) (not verified): x\n14:33 alice: odd\n");
	T_STR(err,
	    "14:33 * bob is busy\n14:33 * bob: 2 messages missing\n"
	    "14:33 * text interrupted (127.0.0.1:1)\n");
	/* Delivered to all is 0, else 8 and who. */
	T_INT(run_in("sec-talk -s ops", "lost\nhi\n", 8), 8);
	T_STR(err, "sec-talk: not delivered to carol, dave\n");
	T_INT(run_in("sec-talk -s ops", "lost1\n", 6), 8);
	T_STR(err, "sec-talk: not delivered to 1 member\n");
	T_INT(run_in("sec-talk -s ops", "refused\nhi\n", 11), 4);
	T_STR(err, "sec-talk: not a member\n");
	T_INT(run_in("sec-talk -s ops", "die\nhi\n", 7), 10);
	T_STR(err, "sec-talk: session lost; come back with sec-login\n");
	T_INT(run_in("sec-talk over", "hi\n", 3), 5);
}

/* TERM while listening: it leaves, which the agent sees by the end of the
 * connections. */
static void
test_talk_term(void)
{
	int in = temp("", 0), to = temp("", 0), fd[2];
	char line[256];
	pid_t pid;

	if (pipe(fd) != 0)
		exit(1);
	pid = start("sec-talk -l ops -u alice", in, fd[1], to);
	/* It listens when others' text comes through. */
	close(fd[1]);
	do
		(void)run_in("sec-talk -s ops", "hi\n", 3);
	while (recv_ready(fd[0]) == 0);
	T(read(fd[0], line, sizeof(line)) > 0);
	T(strncmp(line, "14:33 bob: who broke it\n", 24) == 0);
	kill(pid, SIGTERM);
	T_INT(ended(pid), 143);
	close(fd[0]);
	close(in);
	close(to);
}

/* A terminal: what the program wrote so far is in screen. */
static char screen[100000];
static int term_fd;
static size_t term_n;

static pid_t
term_start(const char *line)
{
	struct winsize w = { .ws_row = 24, .ws_col = 20 };
	int slave;
	pid_t pid;

	term_fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (term_fd < 0 || grantpt(term_fd) != 0 || unlockpt(term_fd) != 0 ||
	    (slave = open(ptsname(term_fd), O_RDWR | O_NOCTTY)) < 0)
		exit(1);
	ioctl(slave, TIOCSWINSZ, &w);
	term_n = 0;
	screen[0] = '\0';
	start_session = 1;
	pid = start(line, slave, slave, slave);
	start_session = 0;
	close(slave);
	return pid;
}

/* Read until text stands in what came from offset `from` on: its end, or
 * 0 when it does not come. */
static size_t
term_wait(size_t from, const char *text)
{
	struct pollfd p = { term_fd, POLLIN, 0 };
	const char *at;
	ssize_t n;

	while ((at = strstr(screen + from, text)) == NULL) {
		if (poll(&p, 1, 10000) <= 0)
			break;
		n = read(term_fd, screen + term_n, sizeof(screen) - term_n - 1);
		if (n <= 0)
			break;
		term_n += (size_t)n;
		screen[term_n] = '\0';
	}
	T_OK(at != NULL, "the terminal shows: %s", text);
	if (at == NULL)
		printf("# %s\n", screen + from);
	return at != NULL ? (size_t)(at - screen) + strlen(text) : 0;
}

static void
term_type(const char *s)
{
	T(write(term_fd, s, strlen(s)) == (ssize_t)strlen(s));
}

/* S109, story 1.9: what others say stands above the line being typed, which
 * comes back whole. */
static void
test_prompt(void)
{
	size_t at;
	pid_t pid;

	setenv("LC_ALL", "C.UTF-8", 1);
	setenv("TERM", "xterm", 1);
	fake_asked();
	pid = term_start("sec-talk ops");
	at = term_wait(0, "ops: 3 in (alice bob carol).  ctrl-d leaves.\r\n");
	at = term_wait(at, "> ");
	term_type("w\xc3\xb6");
	at = term_wait(at, "w\xc3\xb6");
	T_INT(run_in("sec-talk -s ops", "hi\n", 3), 0);
	at = term_wait(at, "14:33 bob: who broke it\r\n");
	at = term_wait(at, "14:33 * carol left\r\n");
	at = term_wait(at, "> w\xc3\xb6");
	term_type("rld, a line longer than the terminal is wide");
	at = term_wait(at, "wide");
	T_INT(run_in("sec-talk -s ops", "hi\n", 3), 0);
	at = term_wait(at, "\033[2A\r\033[J14:33 bob: who broke it\r\n");
	at = term_wait(at, "14:33 * carol left\r\n");
	term_type("\r");
	at = term_wait(at, "> ");
	/* Deleting all of a line is no end of input. */
	term_type("x\177");
	term_type("hi\r");
	at = term_wait(at, "14:33 alice: hi\r\n");
	T(strstr(said(),
	      "w\xc3\xb6rld, a line longer than the terminal is wide\nhi\n") !=
	    NULL);
	/* Failing and being missed are told, and go on. */
	term_type("refused\rlost\r");
	at = term_wait(at, " * not sent: not a member\r\n");
	at = term_wait(at, " * not delivered to carol, dave\r\n");
	term_type("\004");
	(void)term_wait(at, "\033[J");
	T_INT(ended(pid), 0);
	close(term_fd);
	pid = term_start("sec-talk ops");
	at = term_wait(0, "> ");
	term_type("half\003");
	T_INT(ended(pid), 130);
	close(term_fd);
	setenv("LC_ALL", "C", 1);
}

/* The meter and its keys; a terminal that speaks kitty's protocol. */
static void
test_meter(void)
{
	const char *asked;
	size_t at;
	pid_t pid;

	setenv("LC_ALL", "C.UTF-8", 1);
	setenv("TERM", "xterm", 1);
	setenv("SEC_ALSA_IN", "null", 1);
	setenv("SEC_ALSA_OUT", "null", 1);
	fake_asked();
	pid = term_start("sec-talk -m voice voiceonly");
	at = term_wait(0, "\033[?u");
	at =
	    term_wait(at, "! ALSA null, 48 kHz.  mic OFF.   space: mic on/off");
	/* 20 columns: what does not fit is cut off. */
	at = term_wait(at,
	    "[mic OFF \u25af\u25af\u25af\u25af\u25af\u25af\u25af"
	    "\u25af] ");
	term_type(" ");
	at = term_wait(at, " * v: mic on");
	at = term_wait(at, "[mic ON ");
	term_type("m");
	at = term_wait(at, "[mic ON+");
	term_type("m");
	at = term_wait(at, "[mic OFF");
	term_type("\033[?0u");
	at = term_wait(at, "\033[>11u");
	/* Pressed, repeated, let go at once: it stays on; other keys are none.
	 */
	term_type("\033[32;1:1u\033[32;1:2u\033[32;1:3u\033[98u\033[A");
	at = term_wait(at, "[mic ON ");
	term_type("\033[32u");
	at = term_wait(at, "[mic OFF");
	term_type("\033[113;1:1u");
	(void)term_wait(at, "\033[<u");
	T_INT(ended(pid), 0);
	close(term_fd);
	T(strstr(fake_asked(), " at=[::]:") != NULL ||
	    strstr(fake_asked(), " at=0.0.0.0:") != NULL);
	/* ctrl-c is a key there as well. */
	pid = term_start("sec-talk -m voice voiceonly");
	at = term_wait(0, "[mic OFF");
	term_type("\033[?0u");
	at = term_wait(at, "\033[>11u");
	term_type("\033[99;5u");
	T_INT(ended(pid), 130);
	close(term_fd);
	/* A conference with both, on a terminal: both, and the keys are for
	 * the text. A signal is the mic's. */
	fake_asked();
	pid = term_start("sec-talk both");
	at = term_wait(0, "> ");
	kill(pid, SIGUSR1);
	at = term_wait(at, " * v: mic on\r\n");
	term_type("hi\r");
	at = term_wait(at, "14:33 alice: hi\r\n");
	term_type("\004");
	(void)term_wait(at, "\033[J");
	T_INT(ended(pid), 0);
	close(term_fd);
	asked = fake_asked();
	T(strstr(asked, "attach id=") != NULL &&
	    strstr(asked, "listen id=") != NULL);
	T(strstr(asked, " capture=card mic=off") != NULL);
	unsetenv("SEC_ALSA_IN");
	unsetenv("SEC_ALSA_OUT");
	setenv("LC_ALL", "C", 1);
}

int
main(void)
{
	setenv("TZ", "UTC", 1);
	unsetenv("LC_ALL");
	fake_begin();
	fake_start("alice", agent);
	test_confctl();
	test_interrupt();
	test_pal();
	test_watch();
	test_talk_send();
	test_talk();
	test_talk_term();
	test_prompt();
	test_meter();
	fake_end();
	return t_done();
}
