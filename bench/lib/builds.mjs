// Builds: ten small RUN steps, and a context of many small files; by the classic API, and by buildx where there is one.
// Each cold and then the same again from the cache; the peak memory of the engine while it takes a large context.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import { dirname, join } from 'node:path';
import { Unsupported, check } from './api.mjs';
import { dataPool, sha256 } from './images.mjs';
import * as proc from './proc.mjs';
import { entries, TarBuilder } from './tar.mjs';
import { runCli } from './cli.mjs';

const MB = 1e6;
const NONE = { NetworkMode: 'none' };

/** Ten RUN steps behind a file that is new in every round. */
function stepsContext({ label, run, salt }) {
  const tar = new TarBuilder();
  const steps = Array.from({ length: 10 }, (_, n) => `RUN echo step${n} > /step${n}`);
  const dockerfile = ['FROM bench/busybox', `LABEL ${label}="${run}"`, 'COPY note.txt /note.txt', ...steps, ''].join('\n');
  tar.file('Dockerfile', dockerfile);
  tar.file('note.txt', `salt ${salt}\n`);
  return { tar: Buffer.concat(tar.end()), command: 'cat /note.txt /step0 /step9', expected: `salt ${salt}\nstep0\nstep9\n` };
}

/** Files in folders of 50, all copied by one step. */
function filesContext({ label, run, salt, files, totalBytes }) {
  const tar = new TarBuilder();
  const pool = dataPool();
  tar.file('Dockerfile', `FROM bench/busybox\nLABEL ${label}="${run}"\nCOPY files /files\n`);
  tar.dir('files');
  const size = Math.max(64, Math.floor(totalBytes / files));
  const contents = [];
  for (let n = 0; n < files; n++) {
    if (n % 50 === 0) tar.dir(`files/d${String(n / 50).padStart(3, '0')}`);
    const at = (n * 7919 + salt * 31) % (pool.length - size);
    const data = Buffer.from(pool.subarray(at, at + size));
    data.write(`${salt}.${n}\n`, 0, 'latin1');
    tar.file(`files/d${String(Math.floor(n / 50)).padStart(3, '0')}/f${String(n).padStart(5, '0')}`, data);
    contents.push(data);
  }
  return {
    tar: Buffer.concat(tar.end()),
    command: 'cat /files/*/* | sha256sum | cut -c-64',
    expected: `${sha256(Buffer.concat(contents))}\n`,
  };
}

async function look(t, tag, context) {
  const r = await t.runOutput({ Image: tag, Cmd: ['sh', '-c', context.command], HostConfig: NONE }, t.long);
  check(r.code === 0 && r.stdout === context.expected, `the image gives ${JSON.stringify(r.stdout.slice(0, 100))} ${r.stderr}`);
}

/** By `POST /build` with the context as a tar; version 2 is dockerd's BuildKit. */
const classic = (t, m, round, context) => post(t, m, round, context, '1');
const buildkit = (t, m, round, context) => post(t, m, round, context, '2');

async function post(t, m, round, context, version) {
  const tag = `bench/build:${t.runId}-${round < 0 ? 'w' : round}`;
  t.images.add(tag);
  for (const kind of ['cold', 'cached']) {
    const r = await t.e.progress('POST', '/build', {
      query: { t: tag, rm: 1, forcerm: 1, version, networkmode: 'none' },
      chunks: [context.tar],
      headers: { 'Content-Type': 'application/x-tar' },
      timeoutMs: t.long,
    });
    await look(t, tag, context);
    m.rec(kind, r.ms, 'ms');
  }
  await t.removeImage(tag);
}

/** By `docker buildx build` of a folder, as a whole process. */
async function buildx(t, m, round, context) {
  const folder = mkdtempSync(join(os.tmpdir(), 'engine-bench-build-'));
  const tag = `bench/buildx:${t.runId}-${round < 0 ? 'w' : round}`;
  t.images.add(tag);
  try {
    for (const { name, type, data } of entries(context.tar)) {
      if (type === '5') mkdirSync(join(folder, name), { recursive: true });
      else {
        mkdirSync(dirname(join(folder, name)), { recursive: true });
        writeFileSync(join(folder, name), data);
      }
    }
    const args = ['buildx', 'build', '--network', 'none', '--progress', 'quiet', '--provenance=false', '-t', tag, folder];
    for (const kind of ['cold', 'cached']) {
      const r = await runCli(t, args, { timeoutMs: t.long, env: { DOCKER_BUILDKIT: '1' } });
      check(r.code === 0, `docker buildx build: exit code ${r.code}: ${r.stderr.trim().slice(0, 300)}`);
      await look(t, tag, context);
      m.rec(kind, r.ms, 'ms');
    }
    await t.removeImage(tag);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

// Nothing is in the cache from another workload.
let salts = 0;
const salted = (p) => p.seed * 1_000_000 + ++salts;
const labelOf = ({ labels, runId }) => ({ label: Object.keys(labels)[0], run: runId });
const steps = (_round, shared, p) => (shared.ctx = stepsContext({ ...labelOf(shared), salt: salted(p) }));
const files = (_round, shared, p) =>
  (shared.ctx = filesContext({ ...labelOf(shared), salt: salted(p), files: p['build-files'], totalBytes: p['build-mb'] * MB }));
const needsBuildx = ({ cli, buildx: path }) => (cli && path ? null : 'no --cli and --buildx given');

/** Sets the kernel's mark of the most memory to what is used now. Linux ≥ 4.0. */
const forgetPeak = (pid) => writeFileSync(`/proc/${pid}/clear_refs`, '5');
const peakKiB = (pid) => Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? Number.NaN);

const memory = {
  name: 'build-memory',
  size: 'heavy',
  about: 'most resident memory of the engine\'s processes while it builds with a large context',
  prepare: (_round, shared, p) =>
    (shared.ctx = filesContext({ ...labelOf(shared), salt: salted(p), files: p['build-files'], totalBytes: p['build-memory-mb'] * MB })),
  async iter(t, s, m, { shared, round }) {
    if (!t.pids.length && !t.match) throw new Unsupported('engine processes unknown: give --engine-pid and/or --engine-match');
    const { engine } = proc.engineProcesses({ pids: t.pids, match: t.match });
    const before = proc.sumMemory(engine).rss;
    for (const { pid } of engine) forgetPeak(pid);
    await classic(t, { rec: () => {} }, round, shared.ctx);
    const peak = engine.reduce((sum, { pid }) => sum + peakKiB(pid), 0);
    m.rec('peak-rss', peak / 1024, 'MiB');
    m.rec('peak-rss-added', (peak - before) / 1024, 'MiB');
  },
};

const workload = (name, about, prepare, build, more = {}) => ({
  name,
  size: 'heavy',
  about,
  sync: true,
  warmup: 0,
  prepare,
  iter: (t, s, m, { shared, round }) => build(t, m, round, shared.ctx),
  ...more,
});

export const builds = [
  workload('build-steps', 'POST /build of ten small RUN steps, cold and cached', steps, classic),
  workload('build-files', 'POST /build with a context of 5,000 files, 20 MB, cold and cached', files, classic),
  workload('buildkit-steps', "ten small RUN steps by the engine's BuildKit (POST /build, version 2)", steps, buildkit),
  workload('buildkit-files', "5,000 files, 20 MB by the engine's BuildKit", files, buildkit),
  memory,
  workload('buildx-steps', 'docker buildx build of ten small RUN steps', steps, buildx, { needs: needsBuildx }),
  workload('buildx-files', 'docker buildx build with a context of 5,000 files, 20 MB', files, buildx, { needs: needsBuildx }),
];
