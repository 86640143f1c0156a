/** `skiff doctor`: what this host offers and lacks for containers, and what to do about it. */
import { parseArgs } from 'node:util';
import { messageOf } from '#base';
import { daemonDefaults } from '../config.ts';
import { errors } from '../errors.ts';
import type { Finding, Level } from './finding.ts';
import { type HostView, thisHost } from './host-view.ts';
import { kernelChecks } from './kernel-checks.ts';
import { type DoctorOptions, machineChecks } from './machine-checks.ts';

const help = `Usage:  skiff doctor [OPTIONS]

Look at this host: what it offers to containers, what it lacks, and what to do about it. The exit code is 1 when there
is a problem, 0 otherwise.

Options:
      --data-root DIR   Where the daemon keeps its data (default ${daemonDefaults.dataRoot})
      --format FORMAT   text or json (one object per line)
      --socket PATH     Where the daemon listens (default /run/skiff.sock)
      --help            Print this
`;

/** The exit code. Throws `daemon.badFlag`. */
export async function runDoctor(args: readonly string[], write: (text: string) => void): Promise<number> {
  const { values } = parse(args);
  if (values.help) {
    write(help);
    return 0;
  }
  const { format = 'text', 'data-root': dataRoot = daemonDefaults.dataRoot, socket = '/run/skiff.sock' } = values;
  if (format !== 'text' && format !== 'json') throw errors.badFlag(`invalid --format '${format}': use text or json`);
  const findings = await examine(thisHost(), { dataRoot, socket });
  write(format === 'json' ? findings.map((each) => `${JSON.stringify(each)}\n`).join('') : report(findings));
  return findings.some(({ level }) => level === 'problem') ? 1 : 0;
}

export async function examine(host: HostView, options: DoctorOptions): Promise<Finding[]> {
  const user: Finding = host.isRoot
    ? { topic: 'user', level: 'ok', what: 'root' }
    : { topic: 'user', level: 'warning', what: 'not root', advice: 'the daemon needs root; some checks are skipped' };
  return [user, ...kernelChecks(host), ...(await machineChecks(host, options))];
}

const marks: Readonly<Record<Level, string>> = { ok: 'ok     ', warning: 'warning', problem: 'PROBLEM' };

function report(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ topic }) => topic.length));
  const lines = findings.map(({ topic, level, what, advice }) => {
    const more = advice === undefined ? '' : `\n${' '.repeat(width + 11)}→ ${advice}`;
    return `${marks[level]}  ${topic.padEnd(width)}  ${what}${more}\n`;
  });
  const count = (level: Level): number => findings.filter((each) => each.level === level).length;
  return `${lines.join('')}\n${count('problem')} problems, ${count('warning')} warnings\n`;
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        'data-root': { type: 'string' },
        format: { type: 'string' },
        socket: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    throw errors.badFlag(`${messageOf(error)}\nSee 'skiff doctor --help'.`);
  }
}
