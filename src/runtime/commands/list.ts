/** `list`: all containers of a root folder. */
import { userInfo } from 'node:os';
import { messageOf } from '#base';
import { readCgroupHost } from '#linux';
import { errors } from '../errors.ts';
import { listFolders, loadState, publicState, statusOf } from '../oci/state.ts';
import type { CommandContext } from './command.ts';
import { defineCommand } from './command.ts';
import { table } from './table.ts';

export const command = defineCommand({
  usage: '[flags]',
  about: 'show all containers',
  flags: {
    format: { names: ['format', 'f'], kind: 'text', about: 'table (default) or json' },
    quiet: { names: ['quiet', 'q'], kind: 'switch', about: 'ids only' },
  },
  args: [0, 0],
  action: (context, { format = 'table', quiet }) => {
    if (format !== 'table' && format !== 'json') throw errors.usage(`invalid format "${format}": table or json`);
    if (quiet)
      return context.print(
        listFolders(context.root)
          .map((id) => `${id}\n`)
          .join(''),
      );
    const rows = rowsOf(context);
    if (format === 'json') return context.print(`${JSON.stringify(rows.length === 0 ? null : rows)}\n`);
    const titles = ['ID', 'PID', 'STATUS', 'BUNDLE', 'CREATED', 'OWNER'];
    const cells = rows.map((row) => [row.id, String(row.pid), row.status, row.bundle, row.created, row.owner]);
    context.print(table([titles, ...cells]));
  },
});

function rowsOf({ root, warn }: CommandContext) {
  const host = readCgroupHost();
  return listFolders(root).flatMap((id) => {
    try {
      const state = loadState(root, id);
      const { annotations, ...rest } = publicState(state, statusOf(state, host));
      const more = { rootfs: state.rootfs, created: state.created, ...(annotations && { annotations }) };
      return [{ ...rest, ...more, owner: ownerName(state.ownerUid) }];
    } catch (error) {
      // One broken folder must not hide the others.
      warn(`container ${id}: ${messageOf(error)}`);
      return [];
    }
  });
}

/** Only the own name can be asked without a lookup in the user database; others are numbers. */
function ownerName(uid: number): string {
  const own = userInfo();
  return own.uid === uid ? own.username : `#${uid}`;
}
