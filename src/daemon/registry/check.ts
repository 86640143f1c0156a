/** Looks for damage in the data of a registry that is not running. */
import { existsSync } from 'node:fs';
import { openRecordStores } from '#base';
import { checkContent, type ContentProblem, DiskContentStore } from '#images';
import { lockFolder } from '../lock.ts';
import { errors } from './configuration.ts';

export interface CheckRegistryOptions {
  readonly dataRoot: string;
  readonly deep: boolean;
  readonly repair: boolean;
}

/** Writes a line per problem; gives whether all is well now. Throws `daemon.locked` while the registry runs. */
export async function checkRegistry(options: CheckRegistryOptions, write: (line: string) => void): Promise<boolean> {
  const { dataRoot, deep, repair } = options;
  if (!existsSync(`${dataRoot}/registry.db`)) throw errors.badFlag(`there is no registry in ${dataRoot}`);
  using _ = lockFolder(dataRoot);
  const records = openRecordStores(`${dataRoot}/registry.db`);
  try {
    const store = new DiskContentStore({ folder: `${dataRoot}/content`, records });
    const problems = await checkContent(store, { deep, repair });
    for (const problem of problems) write(`${lineOf(problem)}\n`);
    write(`${store.list().length} blobs, ${problems.length} problems\n`);
    return problems.every(({ repaired }) => repaired);
  } finally {
    records.close();
  }
}

function lineOf(problem: ContentProblem): string {
  const { kind, repaired } = problem;
  const subject = 'digest' in problem ? problem.digest : problem.path;
  const more =
    problem.kind === 'dangling-reference'
      ? ` refers to ${problem.missing}, which is not there`
      : problem.kind === 'wrong-size'
        ? ` has ${problem.actualBytes} bytes, not ${problem.expectedBytes}`
        : problem.kind === 'wrong-digest'
          ? ` has the content of ${problem.actual}`
          : '';
  return `${kind}: ${subject}${more}${repaired ? ' (removed)' : ''}`;
}
