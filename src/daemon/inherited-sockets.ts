/** Sockets a supervisor opened for us. spec: sd_listen_fds(3). */

export interface InheritedSocket {
  readonly fd: number;
  /** FileDescriptorName=, or `unknown`. */
  readonly name: string;
}

const FIRST = 3;

/**
 * Those of LISTEN_FDS, if they are meant for this process; the variables are taken away, so that no child believes they
 * are meant for it.
 */
export function takeInheritedSockets(environment: Record<string, string | undefined>, pid: number): InheritedSocket[] {
  const { LISTEN_PID: forPid, LISTEN_FDS: count = '', LISTEN_FDNAMES: names = '' } = environment;
  for (const variable of ['LISTEN_PID', 'LISTEN_FDS', 'LISTEN_FDNAMES']) delete environment[variable];
  if (Number(forPid) !== pid || !/^\d{1,4}$/.test(count)) return [];
  const each = names.split(':');
  return Array.from({ length: Number(count) }, (_, index) => ({ fd: FIRST + index, name: each[index] || 'unknown' }));
}
