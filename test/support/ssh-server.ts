/**
 * Repositories behind SSH, for a test: a real sshd in a network of the test's own, with users of its own, and an agent with
 * the only key it takes. Nothing of the host's SSH is read or written.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { eventually } from './eventually.ts';
import { programPath } from './needs.ts';

/** Root by another name: it reads what the test has made. */
const PASSWD =
  'root:x:0:0:root:/root:/bin/sh\ngit:x:0:0:git:/tmp:/bin/sh\nsshd:x:105:65534::/run/sshd:/usr/sbin/nologin\n';

export class SshServer implements AsyncDisposable {
  readonly #folder = mkdtempSync('/tmp/skiff-test-ssh-');
  readonly #enter: readonly string[];
  readonly #processes: ChildProcess[] = [];

  /** `enter`: words in front of a command that put it into the network; there it has port 22 of 127.0.0.1. */
  constructor(enter: readonly string[]) {
    this.#enter = enter;
  }

  /** `SSH_AUTH_SOCK` of an agent that has the key. */
  get agent(): string {
    return `${this.#folder}/agent`;
  }

  async start(): Promise<void> {
    const at = this.#folder;
    for (const name of ['host', 'key']) {
      execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', `${at}/${name}`]);
    }
    execFileSync('cp', [`${at}/key.pub`, `${at}/authorized`]);
    chmodSync(at, 0o700);
    writeFileSync(`${at}/passwd`, PASSWD);
    const config = [
      ...['Port 22', 'ListenAddress 127.0.0.1', `HostKey ${at}/host`, 'PidFile none', 'UsePAM no', 'StrictModes no'],
      ...[
        `AuthorizedKeysFile ${at}/authorized`,
        'PasswordAuthentication no',
        'KbdInteractiveAuthentication no',
        'PermitRootLogin prohibit-password',
      ],
    ];
    writeFileSync(`${at}/config`, `${config.join('\n')}\n`);
    const place = `mount --bind ${at}/passwd /etc/passwd && mount -t tmpfs run /run && mkdir -m 755 /run/sshd && exec "$@"`;
    const sshd = [programPath('sshd')!, '-D', '-e', '-f', `${at}/config`];
    this.#start([...this.#enter, 'unshare', '-m', 'sh', '-c', place, 'sh', ...sshd]);
    this.#start(['ssh-agent', '-D', '-a', this.agent]);
    await eventually('the agent listens', () => canConnect(this.agent), 5000);
    execFileSync('ssh-add', ['-q', `${at}/key`], { env: { ...process.env, SSH_AUTH_SOCK: this.agent } });
    const look = [...this.#enter, 'ssh-keyscan', '-t', 'ed25519', '127.0.0.1'];
    await eventually('sshd answers', () => execFileSync(look[0]!, look.slice(1), { stdio: 'pipe' }).length > 0, 5000);
  }

  /** An agent without keys. */
  async emptyAgent(): Promise<string> {
    mkdirSync(`${this.#folder}/empty`);
    const path = `${this.#folder}/empty/agent`;
    this.#start(['ssh-agent', '-D', '-a', path]);
    await eventually('the agent listens', () => canConnect(path), 5000);
    return path;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#processes) {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGKILL');
        await ended;
      }
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #start([program, ...args]: readonly string[]): void {
    this.#processes.push(spawn(program!, args, { stdio: 'ignore' }));
  }
}

function canConnect(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket
      .once('error', () => resolve(false))
      .once('connect', () => {
        socket.destroy();
        resolve(true);
      });
  });
}
