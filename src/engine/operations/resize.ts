/** Gives a container's terminal another size. */
import { errors } from '../errors.ts';
import { type EngineParts, findContainer } from '../parts.ts';

/** Throws `container.notRunning`. compat: without a terminal there is nothing to do. */
export async function resizeContainer(
  parts: EngineParts,
  reference: string,
  rows: number,
  columns: number,
): Promise<void> {
  const record = findContainer(parts, reference);
  const live = parts.live.get(record.id);
  if (!live) throw errors.notRunning(record.id);
  if (record.settings.tty) await live.process.resize(rows, columns);
}
