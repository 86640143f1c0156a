// A docker client as a process, timed from its start to its exit.
import { spawn } from 'node:child_process';
import { TimeoutError } from './api.mjs';

const now = () => performance.now();

export function runCli(t, args, { timeoutMs = t.p.timeout, input, env } = {}) {
  return new Promise((resolve, reject) => {
    const t0 = now();
    const child = spawn(t.cli.path, args, {
      env: { ...process.env, DOCKER_HOST: `unix://${t.e.socket}`, DOCKER_CONFIG: t.cli.config, DOCKER_BUILDKIT: '0', DOCKER_CLI_HINTS: 'false', DOCKER_CONTEXT: '', ...env },
      stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    });
    const out = [];
    const err = [];
    let tEnd;
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
    child.stdout.on('data', (d) => out.push(d));
    child.stderr.on('data', (d) => err.push(d));
    child.on('error', (e) => { clearTimeout(timer); reject(e); });
    child.on('exit', () => (tEnd = now()));
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      const stderr = Buffer.concat(err).toString();
      if (signal) return reject(new TimeoutError(`docker ${args[0]}: killed after ${timeoutMs} ms`));
      resolve({ code, stdout: Buffer.concat(out), stderr, ms: tEnd - t0 });
    });
    if (input !== undefined) child.stdin.end(input);
  });
}
