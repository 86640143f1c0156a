/**
 * A daemon on another machine, through the user's own ssh: what its configuration and agent know counts here too.
 *
 * compat: ssh runs `docker system dial-stdio` there, which joins its input and output with the daemon's socket.
 */
import { spawn } from 'node:child_process';
import { Duplex } from 'node:stream';
import type { SshEndpoint } from '#client';
import { errors } from '../errors.ts';

const MOST_SAID = 4096;

/** One connection. What goes wrong comes out of the stream as its error, with what ssh said. */
export function dialThroughSsh(endpoint: SshEndpoint): Duplex {
  const child = spawn('ssh', sshArguments(endpoint), { stdio: ['pipe', 'pipe', 'pipe'] });
  const stream = Duplex.from({ readable: child.stdout, writable: child.stdin } as never);
  let said = '';
  let answered = false;
  child.stdout.once('data', () => (answered = true));
  child.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-MOST_SAID)));
  // A child that ends early breaks its pipes; why is told by its end.
  child.stdin.on('error', () => {});
  child.once('error', (error) => stream.destroy(errors.noSsh(error.message)));
  child.once('close', (code) => {
    if (code !== 0 && !answered) stream.destroy(errors.sshFailed(endpoint.host, code ?? 255, said.trim()));
  });
  stream.once('close', () => {
    child.stdin.destroy();
    child.kill();
  });
  return stream;
}

/** What ssh is called with. The host stands behind `--`, so that it is no option whatever it is. */
export function sshArguments({ user, host, port, path }: SshEndpoint): string[] {
  return [
    ...(user === '' ? [] : ['-l', user]),
    ...(port === undefined ? [] : ['-p', String(port)]),
    '-o',
    'ConnectTimeout=30',
    '-T',
    '--',
    host,
    remoteCommand(path),
  ];
}

/** Skiff where it is installed, else Docker. For whatever shell the user has over there; a path holds no quotes. */
function remoteCommand(path: string): string {
  const rest = `${path === '' ? '' : `-H unix://${path} `}system dial-stdio`;
  return `sh -c 'if command -v skiff >/dev/null 2>&1; then exec skiff ${rest}; else exec docker ${rest}; fi'`;
}
