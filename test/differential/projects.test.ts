/**
 * The same projects built by the classic builder's door, by buildx and by `skiff build`, and by dockerd's BuildKit where it
 * knows the syntax: the same settings, the same files with the same attributes and contents.
 *
 * Always built are the small ones and the one on a plain Debian, by the ways to our daemon. SKIFF_TEST_PROJECTS=all, or names
 * with commas between, builds those with compilers and servers, too, and compares with dockerd; that takes minutes.
 * SKIFF_TEST_BUILDX names a buildx program; where Go is there it is compiled once without that.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  createReadStream,
  mkdirSync,
  mkdtempSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Daemon } from '../support/daemon.ts';
import { Dockerd } from '../support/engines.ts';
import { installBuildx } from '../support/go-programs.ts';
import { missing } from '../support/needs.ts';
import { largeProjects, type Project, smallProjects } from '../support/projects.ts';
import { busyboxTar, debianSource, debianTar, servicesTar, toolchainsTar } from '../support/rootfs.ts';
import { TarLines } from '../support/tar-lines.ts';

const SKIFF = `${import.meta.dirname}/../../bin/skiff`;
const buildx = process.env['SKIFF_TEST_BUILDX'] ?? (missing('root', 'go') === false ? installBuildx() : '');
const asked = process.env['SKIFF_TEST_PROJECTS'] ?? '';
const isLarge = asked !== '';
const hasDebian = missing('debootstrap', 'apt-config') === false && debianSource() !== undefined;
const usual = { ...smallProjects, ...(hasDebian ? { debian: largeProjects['debian']! } : {}) };
const wanted = Object.entries(isLarge ? { ...smallProjects, ...largeProjects } : usual).filter(
  ([name]) => asked === '' || asked === 'all' || asked.split(',').includes(name),
);
const projects: Readonly<Record<string, Project>> = Object.fromEntries(wanted);
const tars = { debian: debianTar, services: servicesTar, toolchains: toolchainsTar };

describe('projects, built by every client', { skip: missing('root', 'busybox', 'docker'), timeout: 3_000_000 }, () => {
  const daemon = new Daemon();
  const folder = mkdtempSync('/tmp/skiff-test-projects-');
  const dockerd = new Dockerd(folder);
  const withDockerd = isLarge && buildx !== '' && missing('dockerd') === false;

  before(async () => {
    await daemon.start();
    if (withDockerd) await dockerd.start();
    if (buildx !== '') {
      mkdirSync(`${folder}/config/cli-plugins`, { recursive: true });
      copyFileSync(buildx, `${folder}/config/cli-plugins/docker-buildx`);
      chmodSync(`${folder}/config/cli-plugins/docker-buildx`, 0o755);
    }
    const bases = new Set(Object.values(projects).flatMap(({ bases }) => bases));
    for (const [name, tar] of [['busybox', busyboxTar()], ...[...bases].map((base) => [base, tars[base]()])] as const) {
      await daemon.import(tar, name);
      if (withDockerd) docker(dockerd.socket, ['import', tar, name]);
    }
    for (const [name, { files }] of Object.entries(projects)) {
      for (const [path, text] of Object.entries(files)) {
        const full = `${folder}/${name}/${path}`;
        mkdirSync(dirname(full), { recursive: true });
        writeFileSync(full, text, { mode: 0o644 });
        utimesSync(full, 1_600_000_000, 1_600_000_000);
      }
    }
  });
  after(async () => {
    await daemon[Symbol.asyncDispose]();
    if (withDockerd) await dockerd[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  function run(program: string, args: readonly string[], environment: Readonly<Record<string, string>> = {}): string {
    const env = { ...process.env, HOME: folder, DOCKER_CONFIG: `${folder}/config`, ...environment };
    const options = { cwd: folder, env, encoding: 'utf8', timeout: 600_000, maxBuffer: 1 << 26 } as const;
    const { status, stdout, stderr } = spawnSync(program, args, options);
    assert.equal(status, 0, `${program} ${args.join(' ')}: ${stderr.slice(-3000)}${stdout.slice(-1000)}`);
    return stdout;
  }

  const docker = (socket: string, args: readonly string[], buildKit = '0'): string =>
    run('docker', ['-H', `unix://${socket}`, ...args], { DOCKER_BUILDKIT: buildKit });

  /** A way to build a project, by its name; each begins with an empty cache. */
  function ways(name: string, { secrets = [], isNew = false }: Project): Record<string, () => string> {
    const given = secrets.flatMap((secret) => ['--secret', secret.replace('src=', `src=${folder}/${name}/`)]);
    const prune = (): string => docker(daemon.socket, ['builder', 'prune', '-af']);
    const all: Record<string, () => string> = {};
    // Its client has no secrets.
    if (secrets.length === 0) {
      all['the classic door'] = () => {
        prune();
        docker(daemon.socket, ['build', '-q', '-t', `${name}-classic`, name]);
        return `${name}-classic`;
      };
    }
    all['skiff build'] = () => {
      prune();
      run(SKIFF, ['-H', `unix://${daemon.socket}`, 'build', '-q', ...given, '-t', `${name}-skiff`, name]);
      return `${name}-skiff`;
    };
    if (buildx !== '') {
      all['buildx'] = () => {
        prune();
        docker(daemon.socket, ['buildx', 'build', '-q', ...given, '-t', `${name}-buildx`, name], '1');
        return `${name}-buildx`;
      };
    }
    if (withDockerd && !isNew) {
      all["dockerd's BuildKit"] = () => {
        // It has no bridge here.
        docker(
          dockerd.socket,
          ['buildx', 'build', '-q', '--network=none', ...given, '-t', `${name}-theirs`, name],
          '1',
        );
        return `${name}-theirs`;
      };
    }
    return all;
  }

  for (const [name, project] of Object.entries(projects)) {
    test(name, async (context) => {
      const all = Object.entries(ways(name, project));
      if (all.length < 2) return context.skip('needs buildx beside skiff build: go, or SKIFF_TEST_BUILDX');
      context.diagnostic(`compared: ${all.map(([way]) => way).join(', ')}`);
      let expected: Awaited<ReturnType<typeof looked>> | undefined;
      for (const [way, build] of all) {
        const beganMs = performance.now();
        const image = build();
        context.diagnostic(`${way}: ${Math.round(performance.now() - beganMs)} ms`);
        const seen = await looked(way.startsWith('dockerd') ? dockerd.socket : daemon.socket, image);
        expected ??= seen;
        assert.deepEqual(seen.config, expected.config, `${way}: settings`);
        const other = new Set(expected.files);
        const same = new Set(seen.files);
        const only = seen.files.filter((line) => !other.has(line) && project.stubs?.test(line) !== true);
        const lacking = expected.files.filter((line) => !same.has(line));
        assert.deepEqual({ only, lacking }, { only: [], lacking: [] }, `${way}: files`);
      }
    });
  }

  async function looked(socket: string, image: string): Promise<{ readonly config: object; readonly files: string[] }> {
    const config = JSON.parse(docker(socket, ['image', 'inspect', '-f', '{{json .Config}}', image])) as object;
    const id = docker(socket, ['create', image, 'x']).trim();
    try {
      return { config: said(config), files: await filesOf(socket, id) };
    } finally {
      docker(socket, ['rm', id]);
    }
  }

  /** Of a container's files: everything but times, which differ from one build to the next. */
  async function filesOf(socket: string, id: string): Promise<string[]> {
    const path = `${folder}/export.tar`;
    const child = spawn('docker', ['-H', `unix://${socket}`, 'export', '-o', path, id], { stdio: 'inherit' });
    assert.equal(await new Promise((resolve) => child.once('close', resolve)), 0);
    const lines = new TarLines(({ linkPath }, sha256) => [linkPath, sha256]);
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) lines.push(chunk as Buffer);
    rmSync(path);
    return lines.end().filter((line) => !OF_CONTAINERS.test(line));
  }
});

/** What every container gets, whatever its image. */
const OF_CONTAINERS = /^(?:\.dockerenv|dev\/|proc\/|sys\/|etc\/(?:hostname|hosts|resolv\.conf|mtab)|etc\/ )/;

/** Settings that say something: an engine fills in what is empty in its own way. */
function said(config: object): Record<string, unknown> {
  const entries = Object.entries(config).filter(([name, value]) => {
    if (['Hostname', 'Image', 'ArgsEscaped'].includes(name)) return false;
    const isEmpty = value === null || value === '' || value === false;
    return !isEmpty && !(typeof value === 'object' && Object.keys(value as object).length === 0);
  });
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}
