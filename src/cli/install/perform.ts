/** Does the steps of ./plan.ts below a root, one after the other. What is as it should be already is left alone. */
import { spawnSync } from 'node:child_process';
import { lstatSync, mkdirSync, readFileSync, readlinkSync, rmSync, symlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import { messageOf, writeFileAtomic } from '#base';
import { errors } from '../errors.ts';
import { MARK, type Step } from './plan.ts';

/** What became of a step, for people. Throws `cli.invalid` naming what cannot be done; steps before it stand. */
export function perform(step: Step, root: string): string {
  if (step.kind === 'run') return run(step);
  const path = root === '/' ? step.path : `${root}${step.path}`;
  try {
    if (step.kind === 'file') return writeFile(path, step.content);
    return step.kind === 'link' ? makeLink(path, step.target) : remove(path);
  } catch (error) {
    throw errors.invalid(`cannot install ${path}: ${messageOf(error)}`);
  }
}

/** The step in the words of a shell. */
export function describeStep(step: Step, root: string): string {
  if (step.kind === 'run') return step.command.join(' ');
  const path = root === '/' ? step.path : `${root}${step.path}`;
  if (step.kind === 'file') return `write ${path}:\n${step.content.replace(/^(?=.)/gm, '    ')}`.trimEnd();
  return step.kind === 'link' ? `ln -s ${step.target} ${path}` : `rm ${path}`;
}

function run({ command, optional }: Extract<Step, { kind: 'run' }>): string {
  const [program, ...args] = command;
  const { status, stderr, error } = spawnSync(program, args, { encoding: 'utf8' });
  if (status === 0) return command.join(' ');
  const why = error ? error.message : `exit code ${status}: ${stderr.trim()}`;
  if (optional) return `${command.join(' ')}: not done (${why})`;
  throw errors.invalid(`'${command.join(' ')}' failed: ${why}`);
}

function writeFile(path: string, content: string): string {
  const before = readIfThere(path);
  if (before === content) return `unchanged ${path}`;
  // Whoever wrote another one had a reason.
  if (before !== undefined && !before.startsWith(MARK)) {
    throw new Error('there is one that was not made by us: move it away first');
  }
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  writeFileAtomic(path, content, { mode: 0o644, durable: true });
  return `wrote ${path}`;
}

function makeLink(path: string, target: string): string {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats?.isSymbolicLink() && readlinkSync(path) === target) return `unchanged ${path}`;
  if (stats && !stats.isSymbolicLink()) throw new Error('it is no link: move it away first');
  if (stats) rmSync(path);
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  symlinkSync(target, path);
  return `linked ${path}`;
}

function remove(path: string): string {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (!stats) return `not there ${path}`;
  if (stats.isFile() && !(readIfThere(path) ?? '').startsWith(MARK)) return `left ${path}: it was not made by us`;
  rmSync(path);
  return `removed ${path}`;
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
