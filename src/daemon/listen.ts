/** Opens the API's sockets. */
import { chmodSync, chownSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { connect, type Server } from 'node:net';
import { dirname } from 'node:path';
import { defineErrors, messageOf } from '#base';

const errors = defineErrors('daemon', {
  noGroup: {
    kind: 'invalid',
    message: (name: string) => `there is no group '${name}' on this host: create it, or leave --group out`,
  },
  cannotListen: { kind: 'unavailable', message: (path: string, why: string) => `cannot listen on ${path}: ${why}` },
  taken: {
    kind: 'conflict',
    message: (path: string) => `${path} is served by another daemon: stop it, or give this one another -H`,
  },
});

/** Listens on a unix socket (0660, root and the group). A socket file nobody serves any more is replaced. */
export async function listenOnSocket(server: Server, path: string, group: string): Promise<void> {
  const gid = group === '' ? 0 : groupId(group);
  mkdirSync(dirname(path), { recursive: true });
  if (await isServed(path)) throw errors.taken(path);
  rmSync(path, { force: true });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen({ path, backlog: 511 }, resolve);
  try {
    await promise;
  } catch (error) {
    throw errors.cannotListen(path, messageOf(error));
  }
  server.off('error', reject);
  chmodSync(path, 0o660);
  if (process.getuid?.() === 0) chownSync(path, 0, gid);
}

function isServed(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

function groupId(name: string): number {
  if (/^\d+$/.test(name)) return Number(name);
  const line = readFileSync('/etc/group', 'utf8')
    .split('\n')
    .find((each) => each.startsWith(`${name}:`));
  if (line === undefined) throw errors.noGroup(name);
  return Number(line.split(':')[2]);
}
