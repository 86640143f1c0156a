/** Everything the daemon itself can refuse: its command line, its configuration file, and what it needs to begin. */
import { defineErrors } from '#base';

export const errors = defineErrors('daemon', {
  badFlag: { kind: 'invalid', message: (what: string) => what },
  // compat: dockerd begins every complaint about its file with these words.
  badFile: {
    kind: 'invalid',
    message: (path: string, why: string) => `unable to configure the Docker daemon with file ${path}: ${why}`,
  },
  badBuilder: {
    kind: 'invalid',
    message: (name: string, why: string) => `builder.${name} cannot be used: ${why}`,
  },
  notThere: {
    kind: 'not-implemented',
    message: (name: string, value: string, instead: string) =>
      `'${name}' (${value}) is not supported by this version: ${instead}`,
  },
  foreignData: {
    kind: 'conflict',
    message: (folder: string) =>
      `${folder} is Docker's own data folder, whose layout Skiff does not read: give Skiff another --data-root, and ` +
      `bring images over with 'docker save' and 'skiff load'`,
  },
  pidTaken: {
    kind: 'conflict',
    message: (path: string, pid: number) =>
      `the pid file ${path} names process ${pid}, which runs: stop that daemon, or give this one another --pidfile`,
  },
  cannotSetOomScore: {
    kind: 'forbidden',
    message: (score: number, why: string) =>
      `cannot set the daemon's oom_score_adj to ${score}: ${why}: lowering it needs CAP_SYS_RESOURCE`,
  },
  noGroup: {
    kind: 'invalid',
    message: (name: string) => `there is no group '${name}' on this host: create it, or leave --group out`,
  },
  cannotListen: { kind: 'unavailable', message: (where: string, why: string) => `cannot listen on ${where}: ${why}` },
  taken: {
    kind: 'conflict',
    message: (path: string) => `${path} is served by another daemon: stop it, or give this one another -H`,
  },
  badTls: {
    kind: 'invalid',
    message: (path: string, what: string, why: string) => `could not load the ${what} ${path}: ${why}`,
  },
  noSockets: {
    kind: 'unavailable',
    message: (host: string) =>
      `cannot listen on ${host}: no socket was handed over (LISTEN_FDS); start the daemon by its systemd socket unit`,
  },
});
