/** Starts the local daemon for a command that found none. */
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SkiffError } from '#base';
import { DEFAULT_HOST, parseHost } from '#client';
import { errors, fileError } from './errors.ts';
import { packageRoot } from './package.ts';

/** The daemon's own default folder for what lives as long as the machine runs. */
const RUN_FOLDER = '/run/skiff';
const READY_MS = 10_000;
/** Another command may have started a daemon at the same time: ours then refuses, and that one's socket comes up. */
const RIVAL_MS = 2_000;
const POLL_MS = 10;

/** True when the daemon answers. Throws `cli.needsRoot`, `cli.noDaemon` with the end of its log. */
export async function startDaemon(): Promise<boolean> {
  if (process.geteuid?.() !== 0) {
    throw errors.needsRoot();
  }
  const logPath = `${RUN_FOLDER}/skiffd.log`;
  const log = openLog(logPath);
  let ended: string | undefined;
  try {
    const daemon = spawn(`${packageRoot()}/bin/skiffd`, [], {
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
      cwd: '/',
      env: daemonEnvironment(process.env),
    });
    daemon.once('error', (error) => (ended = error.message));
    daemon.once('exit', (code, signal) => (ended = signal === null ? `exit code ${code}` : `signal ${signal}`));
    daemon.unref();
  } finally {
    closeSync(log.fd);
  }
  const started = performance.now();
  let endedAt: number | undefined;
  while (!(await answers())) {
    const now = performance.now();
    if (ended !== undefined) endedAt ??= now;
    const hopeless = now - started > READY_MS || (endedAt !== undefined && now - endedAt > RIVAL_MS);
    if (hopeless) throw failure(ended, logPath, log.size);
    await sleep(POLL_MS);
  }
  return true;
}

function openLog(path: string): { fd: number; size: number } {
  try {
    mkdirSync(RUN_FOLDER, { recursive: true, mode: 0o711 });
    return { fd: openSync(path, 'a', 0o600), size: statSync(path).size };
  } catch (error) {
    throw fileError('open', path, error);
  }
}

/** What a shell of some user happens to hold is not the daemon's business. */
function daemonEnvironment(from: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept = Object.entries(from).filter(([name]) =>
    /^(PATH|LANG|LC_.*|TZ|TMPDIR|SKIFF_(?!HOST$).*|.*_PROXY|.*_proxy)$/.test(name),
  );
  return {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: '/root',
    ...Object.fromEntries(kept),
  };
}

function answers(): Promise<boolean> {
  const endpoint = parseHost(DEFAULT_HOST);
  return new Promise((resolve) => {
    const socket = connect(endpoint.kind === 'unix' ? { path: endpoint.path } : endpoint);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

function failure(ended: string | undefined, logPath: string, from: number): SkiffError {
  const what = ended === undefined ? `was not ready after ${READY_MS / 1000} s` : `did not start (${ended})`;
  let lines: string[] = [];
  try {
    lines = readFileSync(logPath).subarray(from).toString('utf8').trimEnd().split('\n').slice(-10);
  } catch {
    // Then there is only its path to name.
  }
  const tail = lines.filter((line) => line !== '').map((line) => `\n  ${line}`);
  return errors.noDaemon(what, logPath, tail.join(''));
}
