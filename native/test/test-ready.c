/* A network namespace that is made before the launch that needs it. */
#include <dirent.h>
#include <poll.h>
#include <sched.h>

#include "shim-client.h"

static struct incoming in;
static struct builder body;

static void expect_launch(struct daemon *d) {
  body.length = 0;
  send_request(d, REQ_EXPECT, &body);
}

static void network_of(pid_t pid, char name[64]) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/ns/net", (int)pid);
  ssize_t length = readlink(path, name, 63);
  CHECK(length > 0);
  name[length] = '\0';
}

/* Network namespaces a process has open, besides being in one; `other` becomes one that is not its own. */
static int networks_seen(pid_t pid, char other[64]) {
  char path[64], link[64], own[64];
  int count = 0;
  network_of(pid, own);
  snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
  DIR *folder = opendir(path);
  CHECK(folder != NULL);
  for (struct dirent *entry; (entry = readdir(folder));) {
    ssize_t length = readlinkat(dirfd(folder), entry->d_name, link, sizeof link);
    if (length < 6 || length > 63 || memcmp(link, "net:[", 5) != 0) continue;
    count++;
    link[length] = '\0';
    if (strcmp(link, own) != 0) strcpy(other, link);
  }
  closedir(folder);
  return count;
}

static int networks_open(pid_t pid) {
  char ignored[64];
  return networks_seen(pid, ignored);
}

static void await_open(pid_t pid, int count) {
  for (int i = 0; i < 300 && networks_open(pid) != count; i++) poll(NULL, 0, 10);
  CHECK(networks_open(pid) == count);
}

/* Runs a container that tells its network: into `name`, with its shim in ours all the while. */
static void run_with(struct daemon *d, uint64_t token, uint64_t namespaces, char name[64]) {
  char ours[64], shim[64];
  struct container c = {.script = "readlink /proc/self/ns/net >/tmp/net; exit 5", .namespaces = namespaces, .hold = 1};
  pid_t pid = launch_container(d, token, &c);
  expect_event(d->events, &in, EVT_CREATED);
  pid_t child = (pid_t)read_u32(&in.body);
  network_of(getpid(), ours);
  network_of(pid, shim);
  CHECK_TEXT(shim, ours);
  network_of(child, name);
  CHECK(networks_open(pid) == 0 && networks_open(child) == 0);
  int client = connect_shim(CONN_CONTROL, 0);
  CHECK(control(client, CTL_RELEASE, "", 0, 0) == 0);
  close(client);
  expect_event(d->events, &in, EVT_STARTED);
  CHECK(WEXITSTATUS(expect_exit(d->events)) == 5);
  CHECK(strncmp(read_file("/tmp/net"), name, strlen(name)) == 0);
}

static void each_launch_has_one_of_its_own(void) {
  struct daemon d;
  char ours[64], launcher[64], ready[64], first[64], second[64], third[64];
  start_launcher(&d);
  expect_launch(&d);
  expect_launch(&d); /* by a second client: one is enough */
  await_open(d.launcher, 2);
  networks_seen(d.launcher, ready);
  run_with(&d, 1, CLONE_NEWNET, first);
  CHECK_TEXT(first, ready);
  expect_launch(&d);
  run_with(&d, 2, CLONE_NEWNET | CLONE_NEWUTS, second);
  run_with(&d, 3, CLONE_NEWNET, third); /* nobody expected it */
  network_of(getpid(), ours);
  network_of(d.launcher, launcher);
  CHECK_TEXT(launcher, ours);
  CHECK(strcmp(first, ours) != 0 && strcmp(second, ours) != 0 && strcmp(third, ours) != 0);
  CHECK(strcmp(second, first) != 0);
  CHECK(networks_open(d.launcher) == 1);
  CHECK(launcher_status(&d) == 0);
}

static void who_shares_the_hosts_has_no_use_for_it(void) {
  struct daemon d;
  char ours[64], child[64];
  start_launcher(&d);
  expect_launch(&d);
  run_with(&d, 1, CLONE_NEWUTS, child);
  network_of(getpid(), ours);
  CHECK_TEXT(child, ours);
  CHECK(networks_open(d.launcher) == 1);
}

static void what_nobody_takes_is_given_up(void) {
  struct daemon d;
  start_launcher(&d);
  expect_launch(&d);
  await_open(d.launcher, 2);
  await_open(d.launcher, 1);
  CHECK(launcher_status(&d) == 0);
}

int main(int argc, char **argv) {
  static const struct test tests[] = {
      TEST(each_launch_has_one_of_its_own),
      TEST(who_shares_the_hosts_has_no_use_for_it),
      TEST(what_nobody_takes_is_given_up),
  };
  return run_tests(tests, sizeof tests / sizeof *tests, argc, argv);
}
