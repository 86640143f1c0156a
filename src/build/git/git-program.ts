/**
 * The program git of this host, kept away from what is not the build's: no settings of the daemon's user or the system, no
 * hooks, no questions to a terminal, no protocol that reads this machine's files or runs a command.
 *
 * It runs in a process group of its own, which is killed with the build; of a killed daemon the next one ends it, by the
 * note in the run folder (`endLeftGit`).
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { because, errnoCode } from '#base';
import { readProcessStat } from '#linux';
import { errors } from '../errors.ts';

export interface GitSurroundings {
  /** Its HOME, with `.gitconfig` in it: nobody else's settings are read. */
  readonly home: string;
  readonly workFolder: string;
  /** Of the URL, for errors; without credentials. */
  readonly url: string;
  /** The command for SSH; absent: no agent was given. */
  readonly environment: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/** What a server sends as its list of references, and what git says of a failure. */
const MAX_OUTPUT_BYTES = 16 * 1024 * 1024;
const MAX_WORDS = 2000;

/** Repositories are fetched over the network: neither files of this host nor `ext::` commands. */
const PROTOCOLS = 'https:http:git:ssh';
const PROXIES = ['http_proxy', 'https_proxy', 'no_proxy', 'all_proxy'].flatMap((name) => [name, name.toUpperCase()]);

/** What it wrote on stdout. Throws `build.noGitProgram`, `build.gitFailed`, `build.cancelled`. */
export async function git(args: readonly string[], surroundings: GitSurroundings): Promise<string> {
  const { home, workFolder, signal, url } = surroundings;
  if (signal.aborted) throw errors.cancelled();
  const child = spawn('git', [...args], {
    cwd: workFolder,
    env: environmentOf(surroundings),
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const kill = (): void => killGroup(child.pid);
  signal.addEventListener('abort', kill);
  try {
    note(home, child.pid);
    const { stdout, stderr, code } = await outcomeOf(child, kill);
    if (signal.aborted) throw errors.cancelled();
    if (code !== 0) throw errors.gitFailed(url, args[0] ?? '', stderr.trim() || `it ended with ${code}`);
    return stdout;
  } finally {
    signal.removeEventListener('abort', kill);
  }
}

async function outcomeOf(
  child: ChildProcessByStdio<null, Readable, Readable>,
  kill: () => void,
): Promise<{ readonly stdout: string; readonly stderr: string; readonly code: number | string }> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  let stderr = '';
  child.stdout.on('data', (piece: Buffer) => {
    bytes += piece.length;
    if (bytes > MAX_OUTPUT_BYTES) kill();
    else pieces.push(piece);
  });
  // The end of what it says tells why.
  child.stderr.on('data', (piece: Buffer) => (stderr = (stderr + piece.toString()).slice(-MAX_WORDS)));
  const { promise, resolve, reject } = Promise.withResolvers<number | string>();
  child.once('error', (error) => reject(errnoCode(error) === 'ENOENT' ? because(errors.noGitProgram(), error) : error));
  child.once('close', (code, signal) => resolve(code ?? signal ?? -1));
  const code = await promise;
  return { stdout: Buffer.concat(pieces).toString('utf8'), stderr, code };
}

function environmentOf({ home, environment }: GitSurroundings): Record<string, string | undefined> {
  return {
    PATH: process.env['PATH'],
    ...Object.fromEntries(PROXIES.map((name) => [name, process.env[name]])),
    HOME: home,
    LC_ALL: 'C',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_ATTR_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_ASKPASS: '',
    SSH_ASKPASS: '',
    GIT_ALLOW_PROTOCOL: PROTOCOLS,
    // What is not the network's own fault ends by itself.
    GIT_HTTP_LOW_SPEED_LIMIT: '1',
    GIT_HTTP_LOW_SPEED_TIME: '60',
    ...environment,
  };
}

/** The whole group: git runs other programs for the network. */
function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
}

const NOTE = 'git';

function note(home: string, pid: number | undefined): void {
  const startTime = pid === undefined ? undefined : readProcessStat(pid)?.startTime;
  if (startTime !== undefined) writeFileSync(`${home}/${NOTE}`, `${pid} ${startTime}`);
}

/** Kills what a killed daemon left, by the note in its folder. */
export function endLeftGit(home: string): void {
  let text: string;
  try {
    text = readFileSync(`${home}/${NOTE}`, 'utf8');
  } catch (error) {
    if (errnoCode(error) === 'ENOENT') return;
    throw error;
  }
  const [pid, startTime] = text.split(' ');
  // Another process may have the number by now.
  if (String(readProcessStat(Number(pid))?.startTime) === startTime) killGroup(Number(pid));
}
