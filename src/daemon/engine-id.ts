/** The name of this installation: made once for a data folder, and the same ever after. */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { writeFileAtomic } from '#base';

/** A UUID, as dockerd's is. Throws Node's system errors. */
export function engineId(dataRoot: string): string {
  const path = `${dataRoot}/engine-id`;
  try {
    const text = readFileSync(path, 'utf8').trim();
    if (text !== '') return text;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const id = randomUUID();
  writeFileAtomic(path, id, { durable: true });
  return id;
}
