/** Gives a container another name. */
import { errors } from '../errors.ts';
import { isValidName } from '../names.ts';
import { type EngineParts, eventAttributes, findContainer } from '../parts.ts';

/** Throws `container.noName`, `container.badName`, `container.sameName` and `container.nameTaken`. */
export async function renameContainer(parts: EngineParts, reference: string, wish: string): Promise<void> {
  if (wish === '') throw errors.noName();
  const { id } = findContainer(parts, reference);
  await parts.locks.run(id, async () => {
    const record = findContainer(parts, id);
    const name = wish.replace(/^\//, '');
    if (!isValidName(wish)) throw errors.badName(wish);
    if (name === record.name) throw errors.sameName();
    const holder = parts.containers.find(name);
    if (holder !== undefined && holder !== 'ambiguous' && holder.name === name) throw errors.nameTaken(name, holder.id);
    const network = record.network && parts.networks.rename(id, record.network, record.name, name);
    parts.containers.put({ ...record, name, ...(network ? { network } : {}) });
    parts.events.emit('container', 'rename', id, { ...eventAttributes(record), name, oldName: `/${record.name}` });
  });
}
