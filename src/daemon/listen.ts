/** Opens the API's sockets: our own, those of a network, and those that were handed over. */
import { chmodSync, chownSync, mkdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, type Server } from 'node:net';
import { once } from 'node:events';
import { dirname } from 'node:path';
import { type Log, messageOf, SkiffError } from '#base';
import { renewTls, type TlsSettings } from '#rpc';
import type { DaemonConfig, TlsFiles } from './config.ts';
import { errors } from './errors.ts';
import { formatListenHost, type ListenHost } from './hosts.ts';
import type { InheritedSocket } from './inherited-sockets.ts';

const BACKLOG = 511;

export interface ListenDeps {
  /** A server of the API that is not listening yet. */
  createServer(tls?: TlsSettings): Server;
  readonly inherited: readonly InheritedSocket[];
  readonly log: Log;
}

/** An open door: what it is called, until it is disposed of. */
export interface Door extends Disposable {
  readonly name: string;
  /** Shows the certificate its files hold by now. Throws `daemon.badTls`, and then it shows the one it had. */
  renew(): void;
}

/** Listens at one `-H`. A unix socket nobody serves any more is replaced. Throws `daemon.*`, having opened nothing. */
export async function listenAt(
  { createServer, inherited, log }: ListenDeps,
  host: ListenHost,
  { group, tls }: Pick<DaemonConfig, 'group' | 'tls'>,
): Promise<Door[]> {
  const encryption = tls && host.kind !== 'unix' ? readTls(tls) : undefined;
  if (host.kind === 'unix') return [await listenOnPath(createServer(), host.path, group)];
  if (host.kind === 'tcp') {
    if (!tls?.clientAuthority) warnOfOpenDoor(log, formatListenHost(host));
    const server = makeServer(createServer, tls, encryption);
    await listen(server, { host: host.host, port: host.port, backlog: BACKLOG }, formatListenHost(host));
    const { address, port } = server.address() as AddressInfo;
    return [door(server, `${address.includes(':') ? `[${address}]` : address}:${port}`, { tls })];
  }
  const chosen = inherited.filter(({ fd, name }) => ['*', String(fd), name].includes(host.name));
  if (chosen.length === 0) throw errors.noSockets(formatListenHost(host));
  using undo = new DisposableStack();
  const doors: Door[] = [];
  for (const { fd } of chosen) {
    // TLS is for the network: who reaches a unix socket was let in by its mode.
    const local = isUnixSocket(fd);
    if (!local && !tls?.clientAuthority) warnOfOpenDoor(log, `fd://${fd}`);
    const server = local ? createServer() : makeServer(createServer, tls, encryption);
    await listen(server, { fd }, `fd://${fd}`);
    doors.push(undo.use(door(server, `fd://${fd}`, { tls: local ? undefined : tls })));
  }
  undo.move();
  return doors;
}

/** 0660, root and the group. Also for other servers of this program. */
export async function listenOnPath(server: Server, path: string, group: DaemonConfig['group']): Promise<Door> {
  const gid = groupId(group);
  mkdirSync(dirname(path), { recursive: true });
  if (await isServed(path)) throw errors.taken(path);
  rmSync(path, { force: true });
  // Never a moment in which anybody may connect.
  await listen(server, { path, backlog: BACKLOG }, path, 0o117);
  chmodSync(path, 0o660);
  if (process.getuid?.() === 0) chownSync(path, 0, gid);
  return door(server, path, { undo: () => rmSync(path, { force: true }) });
}

async function listen(
  server: Server,
  where: Parameters<Server['listen']>[0],
  name: string,
  mask?: number,
): Promise<void> {
  const before = mask === undefined ? undefined : process.umask(mask);
  try {
    // Node binds before this returns, and tells it later: nothing else of the daemon's is made under that mask.
    server.listen(where);
  } finally {
    if (before !== undefined) process.umask(before);
  }
  try {
    await once(server, 'listening');
  } catch (error) {
    throw errors.cannotListen(name, messageOf(error));
  }
}

function door(
  server: Server,
  name: string,
  { tls, undo = () => {} }: { readonly tls?: TlsFiles | undefined; readonly undo?: () => void },
): Door {
  return {
    name,
    renew: () => {
      if (tls) inNameOf(tls, () => renewTls(server, readTls(tls)));
    },
    [Symbol.dispose]: () => {
      server.close();
      if ('closeAllConnections' in server && typeof server.closeAllConnections === 'function')
        server.closeAllConnections();
      undo();
    },
  };
}

/** compat: dockerd's own words, for they are what people look for. */
function warnOfOpenDoor(log: Log, host: string): void {
  log.warn(
    'Binding to IP address without --tlsverify is insecure and gives root access on this machine to everyone who has ' +
      'access to your network.',
    { host },
  );
  log.warn(
    'Binding to an IP address, even on localhost, can also give access to scripts run in a browser. Be safe out there!',
    { host },
  );
}

/** Throws `daemon.badTls` naming the file. */
function readTls({ certificate, key, clientAuthority }: TlsFiles): TlsSettings {
  return {
    certificate: readPem(certificate, 'certificate'),
    key: readPem(key, 'key'),
    ...(clientAuthority === undefined
      ? {}
      : { clientAuthorities: [readPem(clientAuthority, 'authority of the certificates of clients')] }),
  };
}

function readPem(path: string, what: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw errors.badTls(path, what, messageOf(error));
  }
}

function makeServer(
  createServer: ListenDeps['createServer'],
  files: TlsFiles | undefined,
  encryption: TlsSettings | undefined,
): Server {
  return files ? inNameOf(files, () => createServer(encryption)) : createServer(encryption);
}

function inNameOf<T>(files: TlsFiles, act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (error instanceof SkiffError) throw error;
    throw errors.badTls(files.certificate, `certificate with the key ${files.key}:`, messageOf(error));
  }
}

function isUnixSocket(fd: number): boolean {
  const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/self/fd/${fd}`))?.[1];
  const lines = readFileSync('/proc/self/net/unix', 'utf8').split('\n');
  return lines.some((line) => line.split(/\s+/)[6] === inode);
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

function groupId({ name, required }: DaemonConfig['group']): number {
  if (name === '') return 0;
  if (/^\d+$/.test(name)) return Number(name);
  const line = readFileSync('/etc/group', 'utf8')
    .split('\n')
    .find((each) => each.startsWith(`${name}:`));
  if (line !== undefined) return Number(line.split(':')[2]);
  if (required) throw errors.noGroup(name);
  return 0;
}
