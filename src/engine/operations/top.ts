/** The processes of a container, as the host's `ps` shows them. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { messageOf } from '#base';
import { errors } from '../errors.ts';
import { isLive } from '../lifecycle.ts';
import { cgroupsPathOf, type EngineParts, findContainer } from '../parts.ts';

const run = promisify(execFile);

export interface Top {
  readonly titles: readonly string[];
  readonly processes: readonly (readonly string[])[];
}

/** compat: dockerd runs the host's `ps` too, and keeps the lines of the container's pids. Throws `container.notRunning`. */
export async function topContainer(parts: EngineParts, reference: string, psArguments: string): Promise<Top> {
  const record = findContainer(parts, reference);
  if (record.status === 'restarting') throw errors.restarting(record.id);
  if (!isLive(record.status)) throw errors.notRunning(record.id);
  // compat: another title would hide the pids.
  const [, name, title] = /\s(\S*)=\s*(PID\S*)/i.exec(` ${psArguments}`) ?? [];
  if (title !== undefined) throw errors.invalid(`specifying "${name}=${title}" is not allowed`);
  // Processes made ahead are nobody's yet. Those on their way have no number by which they could be left out.
  await Promise.allSettled([...parts.preparedExecs.values()].map(({ process }) => process));
  const pids = new Set(parts.runtime.pids(cgroupsPathOf(parts.options, record)));
  for (const { pid } of parts.preparedExecs.values()) if (pid !== undefined) pids.delete(pid);
  let output: string;
  try {
    output = (
      await run(
        'ps',
        psArguments.split(/\s+/).filter((word) => word !== ''),
      )
    ).stdout;
  } catch (error) {
    // compat: the first line ps says is why.
    const said = (error as { stderr?: string }).stderr?.split('\n')[0];
    throw errors.invalid(said ? `ps: ${said.replace(/^ps: /, '')}` : `error running ps: ${messageOf(error)}`);
  }
  const [header = '', ...lines] = output.split('\n').filter((line) => line !== '');
  const titles = header.trim().split(/\s+/);
  const column = titles.indexOf('PID');
  if (column < 0) throw errors.invalid("Couldn't find PID field in ps output");
  const processes = lines.map((line) => fields(line, titles.length)).filter((cells) => pids.has(Number(cells[column])));
  return { titles, processes };
}

/** The last column takes the rest of the line. */
function fields(line: string, count: number): string[] {
  const words = line.trim().split(/\s+/);
  return [...words.slice(0, count - 1), words.slice(count - 1).join(' ')];
}
