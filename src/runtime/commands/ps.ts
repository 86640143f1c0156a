/** `ps`: the processes of a container, as the host's ps(1) shows them, or their ids. */
import { spawnSync } from 'node:child_process';
import { openCgroup } from '#linux';
import { errors } from '../errors.ts';
import { loadState, statusOf } from '../oci/state.ts';
import { check } from '../oci/status.ts';
import { defineCommand } from './command.ts';

export const command = defineCommand({
  usage: '[flags] <container-id> [ps arguments]',
  about: 'show the processes of a container',
  flags: {
    format: { names: ['format', 'f'], kind: 'text', about: 'table (default) or json' },
  },
  args: [1, Number.POSITIVE_INFINITY],
  flagsFirst: true,
  action: (context, { format = 'table' }, [id = '', ...psArgs]) => {
    if (format !== 'table' && format !== 'json') throw errors.usage(`invalid format "${format}": table or json`);
    const state = loadState(context.root, id);
    check('ps', id, statusOf(state));
    const pids =
      state.cgroupsPath === undefined
        ? [state.life.pid]
        : openCgroup(state.cgroupsPath)
            .pids(true)
            .sort((a, b) => a - b);
    if (format === 'json') return context.print(`${JSON.stringify(pids)}\n`);
    context.print(linesOf(runPs(psArgs.length > 0 ? psArgs : ['-ef']), new Set(pids)));
  },
});

function runPs(args: readonly string[]): string {
  const { stdout, stderr, error, status } = spawnSync('ps', args, { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  if (error) throw errors.usage(`cannot run ps: ${error.message} ('--format json' does without it)`);
  if (status !== 0) throw errors.usage(`ps ${args.join(' ')}: ${stderr.trim() || `exit code ${status}`}`);
  return stdout;
}

/** The title line and those whose PID column is among the container's. */
export function linesOf(output: string, pids: ReadonlySet<number>): string {
  const [title = '', ...lines] = output.split('\n');
  const column = title.trim().split(/\s+/).indexOf('PID');
  if (column < 0) throw errors.usage('the output of ps has no PID column');
  const own = lines.filter((line) => pids.has(Number(line.trim().split(/\s+/)[column])));
  return [title, ...own].map((line) => `${line}\n`).join('');
}
