/**
 * Runs test files, each in a process of its own, as many at a time as there are cores, at most two: most of them wait
 * for kernels and clocks half of their time. Those that measure, or look at the whole machine, come last and alone. At
 * the end it says what failed and what took longest.
 *
 * `SKIFF_TEST_LANES=1` runs one after the other. A file that takes longer than `SKIFF_TEST_FILE_SECONDS` is killed, and has failed.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';

/** These run with nothing beside them, and why. */
const ALONE: Readonly<Record<string, string>> = {
  'test/system/cgroups.test.ts': 'counts what limits let through',
  'test/system/cycles.test.ts': 'counts the mounts of the whole namespace',
  'test/system/limits.test.ts': 'measures rates of CPUs and disks',
  'test/system/network-limits.test.ts': 'measures rates of networks',
  'test/system/shim-memory.test.ts': 'weighs processes',
  'test/system/stress.test.ts': 'takes all cores by itself',
};

/** These share something of the machine's, and run one after the other. Podman's locks are in one file of `/dev/shm`. */
const IN_TURN: readonly (readonly string[])[] = [
  [
    'test/system/image-exchange.test.ts',
    'test/system/registry-server.test.ts',
    'test/system/registry-clients.test.ts',
    'test/conformance/podman.test.ts',
  ],
];

const SLOWEST = 10;
/** Of why a test failed, at the end of the report. */
const REASON_LINES = 8;
const TEST_OPTIONS = ['--import', './test/support/show-suppressed.ts', '--test-reporter=spec'];
/** For the rest of the output of one that has ended. */
const OUTPUT_MS = 5000;
const COUNTS = ['tests', 'suites', 'pass', 'fail', 'cancelled', 'skipped', 'todo'] as const;

interface Timed {
  readonly name: string;
  readonly seconds: number;
}

interface Failure {
  readonly name: string;
  readonly reason: readonly string[];
}

interface Verdict extends Timed {
  readonly counts: ReadonlyMap<string, number>;
  readonly failed: readonly Failure[];
  readonly tests: readonly Timed[];
}

const files = process.argv.slice(2);
const lanes = numberOf('SKIFF_TEST_LANES', Math.min(availableParallelism(), 2));
const mostSeconds = numberOf('SKIFF_TEST_FILE_SECONDS', 900);
const verdicts: Verdict[] = [];
const alone = files.filter((file) => file in ALONE);
await runUnits(unitsOf(files.filter((file) => !alone.includes(file))), lanes);
await runUnits(unitsOf(alone), 1);
process.exitCode = report();

/** Of the environment. With a mistake in it nothing would be run, and nothing fail. */
function numberOf(name: string, usual: number): number {
  const text = process.env[name] ?? '';
  if (text === '') return usual;
  if (!/^[1-9]\d*$/.test(text)) throw new Error(`${name}=${text} is no number above 0`);
  return Number(text);
}

/** What a lane takes at once: a file, or files that have to be in turn. The long turns begin first. */
function unitsOf(of: readonly string[]): string[][] {
  const turns = IN_TURN.map((turn) => turn.filter((file) => of.includes(file))).filter((turn) => turn.length > 0);
  const inTurn = new Set(turns.flat());
  return [...turns, ...of.filter((file) => !inTurn.has(file)).map((file) => [file])];
}

async function runUnits(units: string[][], width: number): Promise<void> {
  const queue = units.values();
  await Promise.all(
    Array.from({ length: width }, async () => {
      for (const unit of queue) for (const file of unit) verdicts.push(await runFile(file));
    }),
  );
}

/** Its output comes in one piece when it has ended, so that two do not mix. */
async function runFile(name: string): Promise<Verdict> {
  const beganMs = performance.now();
  const child = spawn(process.execPath, [...TEST_OPTIONS, name], { stdio: ['ignore', 'pipe', 'pipe'] });
  const chunks: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  const [code, signal] = await endOf(child);
  const seconds = (performance.now() - beganMs) / 1000;
  const lines = Buffer.concat(chunks).toString().trimEnd().split('\n');
  const counts = new Map<string, number>();
  const shown = lines.filter((line) => {
    const [, key, number] = /^ℹ (\w+) ([\d.]+)$/.exec(line) ?? [];
    if (key !== undefined) counts.set(key, Number(number));
    return key === undefined;
  });
  console.log(`\n${name} (${seconds.toFixed(1)} s)\n${shown.join('\n')}`);
  const { tests, failed } = testsOf(shown);
  // One that ended without a word, or otherwise than its tests did, has failed itself.
  const isSilent = !counts.has('tests');
  if ((code !== 0 && failed.length === 0) || isSilent) {
    failed.push({ name: `ended with ${signal ?? `code ${code}`}`, reason: lines.slice(-REASON_LINES) });
  }
  if (isSilent) counts.set('fail', 1);
  return { name, seconds, counts, failed, tests };
}

/** Its output may be held open by what it has left running: that is not waited for. */
async function endOf(child: ChildProcess): Promise<[number | null, NodeJS.Signals | null]> {
  const timer = setTimeout(() => child.kill('SIGKILL'), mostSeconds * 1000);
  const closed = once(child, 'close');
  const end = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  clearTimeout(timer);
  await Promise.race([closed, pause(OUTPUT_MS, undefined, { ref: false })]);
  child.stdout?.destroy();
  child.stderr?.destroy();
  return end;
}

/** From the lines of the reporter: names and times, and those that failed, which it repeats at the end with their reasons. */
function testsOf(lines: readonly string[]): { tests: Timed[]; failed: Failure[] } {
  const end = lines.indexOf('✖ failing tests:');
  const [ran, repeated] = end < 0 ? [lines, []] : [lines.slice(0, end), lines.slice(end + 1)];
  const tests: Timed[] = [];
  const failed: Failure[] = [];
  for (const line of ran) {
    const [, mark, name, ms] = /^\s*([✔✖]) (.*) \(([\d.]+)ms\)(?: # .*)?$/.exec(line) ?? [];
    if (name === undefined) continue;
    tests.push({ name, seconds: Number(ms) / 1000 });
    if (mark === '✖') failed.push({ name, reason: reasonOf(repeated, `✖ ${name} (${ms}ms)`) });
  }
  return { tests, failed };
}

/** The first lines below a test's line, without frames of other code. A suite has none: its tests say why. */
function reasonOf(repeated: readonly string[], line: string): string[] {
  const at = repeated.indexOf(line);
  if (at < 0) return [];
  const below = repeated.slice(at + 1);
  const end = below.findIndex((each) => each !== '' && !each.startsWith('  '));
  return below
    .slice(0, end < 0 ? undefined : end)
    .filter((each) => each.trim() !== '' && !/^ +at (?!.*\/test\/)/.test(each))
    .slice(0, REASON_LINES);
}

function report(): number {
  showSlowest('files', verdicts);
  showSlowest(
    'tests',
    verdicts.flatMap(({ tests }) => tests),
  );
  const sum = (key: string): number => verdicts.reduce((total, { counts }) => total + (counts.get(key) ?? 0), 0);
  for (const key of COUNTS) console.log(`ℹ ${key} ${sum(key)}`);
  const bad = verdicts.filter(({ failed }) => failed.length > 0);
  if (bad.length > 0) console.log('\n✖ failing tests:');
  for (const { name: file, failed } of bad)
    for (const { name, reason } of failed)
      console.log([`  ${file}: ${name}`, ...reason.map((line) => `    ${line}`)].join('\n'));
  console.log(`\n${sum('pass')} passed, ${sum('fail') + sum('cancelled')} failed, ${sum('skipped')} skipped`);
  return bad.length > 0 ? 1 : 0;
}

function showSlowest(what: string, list: readonly Timed[]): void {
  console.log(`\nslowest ${what}:`);
  for (const { name, seconds } of list.toSorted((a, b) => b.seconds - a.seconds).slice(0, SLOWEST))
    console.log(`  ${seconds.toFixed(1).padStart(6)} s  ${name}`);
}
