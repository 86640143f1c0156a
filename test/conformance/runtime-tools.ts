/**
 * The validation programs of opencontainers/runtime-tools against one or more runtimes, side by side.
 *
 *   node tools/run.mjs test/conformance/runtime-tools.ts [RUNTIME …]
 *
 * Without arguments: skiff-runtime of this checkout, and runc where it is installed. Needs root, Go and the Go module
 * proxy. Builds in a temporary folder (or WORK, which is kept). Ends with 1 when the first runtime fails more assertions
 * or programs than any other. What fails and why: docs/conformance.md.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { tmpdir } from 'node:os';
import { runtimeProgram } from '../support/bundle.ts';

const MODULE = 'github.com/opencontainers/runtime-tools';
const VERSION = 'v0.9.0';

/** The release is older than Go modules; these are versions of its time with which it builds. */
const REQUIRED: Readonly<Record<string, string>> = {
  'github.com/blang/semver': 'v3.5.1+incompatible',
  'github.com/hashicorp/errwrap': 'v1.0.0',
  'github.com/hashicorp/go-multierror': 'v1.0.0',
  'github.com/mndrix/tap-go': 'v0.0.0-20171203230836-629fa407e90b',
  'github.com/mrunalp/fileutils': 'v0.0.0-20171103030105-7d4729fb3618',
  'github.com/opencontainers/runtime-spec': 'v1.0.2',
  'github.com/opencontainers/selinux': 'v1.3.0',
  'github.com/satori/go.uuid': 'v1.2.0',
  'github.com/sirupsen/logrus': 'v1.4.2',
  'github.com/syndtr/gocapability': 'v0.0.0-20180916011248-d98352740cb2',
  'github.com/urfave/cli': 'v1.22.1',
  'github.com/xeipuuv/gojsonschema': 'v1.2.0',
  'golang.org/x/sys': 'v0.30.0',
};

interface Verdict {
  readonly ok: number;
  readonly failed: readonly string[];
  /** Exit code of the program; null for a time-out. */
  readonly status: number | null;
}

const given = process.argv.slice(2);
const runc = spawnSync('sh', ['-c', 'command -v runc'], { encoding: 'utf8' }).stdout.trim();
const runtimes = given.length > 0 ? given : [runtimeProgram, ...(runc === '' ? [] : [runc])];
const kept = process.env['WORK'];
const work = kept ?? mkdtempSync(`${tmpdir()}/skiff-runtime-tools-`);
try {
  const programs = build(work);
  const results = runtimes.map((runtime) => new Map(programs.map((name) => [name, validate(runtime, name)])));
  process.exitCode = report(programs, results);
} finally {
  if (kept === undefined) rmSync(work, { recursive: true, force: true });
}

/** Downloads and builds what is not there yet; gives the names of the programs. */
function build(folder: string): string[] {
  const source = `${folder}/source`;
  const out = `${folder}/programs`;
  if (!existsSync(source)) {
    mkdirSync(folder, { recursive: true });
    const answer = execFileSync('go', ['mod', 'download', '-json', `${MODULE}@${VERSION}`], { cwd: folder });
    cpSync((JSON.parse(answer.toString()) as { Dir: string }).Dir, source, { recursive: true });
    execFileSync('chmod', ['-R', 'u+w', source]);
    const required = Object.entries(REQUIRED).map(([name, version]) => `\t${name} ${version}\n`);
    writeFileSync(`${source}/go.mod`, `module ${MODULE}\n\ngo 1.20\n\nrequire (\n${required.join('')})\n`);
  }
  const names = readdirSync(`${source}/validation`).filter((name) => name !== 'util' && !name.includes('.'));
  mkdirSync(out, { recursive: true });
  compile(source, './cmd/runtimetest', `${source}/runtimetest`);
  for (const name of names) compile(source, `./validation/${name}`, `${out}/${name}`);
  chmodSync(`${source}/runtimetest`, 0o755);
  return names;
}

function compile(source: string, what: string, output: string): void {
  if (existsSync(output)) return;
  const env = { ...process.env, CGO_ENABLED: '0', GOFLAGS: '-mod=mod -buildvcs=false' };
  execFileSync('go', ['build', '-o', output, what], { cwd: source, env, stdio: ['ignore', 'ignore', 'inherit'] });
}

/** One program in a mount namespace of its own, as some leave mounts behind. It finds rootfs and runtimetest in its cwd. */
function validate(runtime: string, name: string): Verdict {
  const { stdout, status } = spawnSync('unshare', ['--mount', '--propagation', 'private', `${work}/programs/${name}`], {
    cwd: `${work}/source`,
    env: { ...process.env, RUNTIME: runtime },
    encoding: 'utf8',
    timeout: 180_000,
  });
  const lines = stdout.split('\n').map((line) => line.trim());
  return {
    ok: lines.filter((line) => /^ok \d/.test(line)).length,
    failed: lines.filter((line) => /^not ok \d/.test(line)),
    status,
  };
}

function report(programs: readonly string[], results: readonly ReadonlyMap<string, Verdict>[]): number {
  const names = runtimes.map((path) => basename(path));
  const cell = ({ ok, failed, status }: Verdict): string =>
    `${ok} ok, ${failed.length} failed${status === 0 ? '' : `, ended with ${status ?? 'a time-out'}`}`;
  console.log(`| program | ${names.join(' | ')} |\n| --- |${names.map(() => ' --- |').join('')}`);
  for (const program of programs) {
    const cells = results.map((result) => cell(result.get(program)!));
    const isFine = results.every(
      (result) => result.get(program)!.failed.length === 0 && result.get(program)!.status === 0,
    );
    if (!isFine || new Set(cells).size > 1) console.log(`| ${program} | ${cells.join(' | ')} |`);
  }
  const sums = results.map((result) => {
    const verdicts = [...result.values()];
    return {
      ok: verdicts.reduce((sum, { ok }) => sum + ok, 0),
      failed: verdicts.reduce((sum, { failed }) => sum + failed.length, 0),
      ended: verdicts.filter(({ status }) => status !== 0).length,
    };
  });
  console.log(
    `| all ${programs.length} | ${sums.map((sum) => `${sum.ok} ok, ${sum.failed} failed, ${sum.ended} programs ended badly`).join(' | ')} |\n`,
  );
  for (const [program, { failed }] of results[0]!)
    for (const line of failed) console.log(`${names[0]}: ${program}: ${line}`);
  const [first, ...others] = sums;
  const isWorse = others.some((other) => first!.failed > other.failed || first!.ended > other.ended);
  if (isWorse) console.log(`\n${names[0]} fails more than another runtime`);
  return isWorse ? 1 : 0;
}
