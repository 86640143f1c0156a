/** `skiff stats`: what containers use, once or second after second. */
import { setTimeout as after } from 'node:timers/promises';
import type { ContainerStats } from '#specs';
import { type CommandContext, defineCommand } from '../command.ts';
import { isKind } from '../errors.ts';
import { text, toggle } from '../flag-types.ts';
import { formatRows } from '../output/rows.ts';
import { usageRow } from '../output/usage.ts';

const table = '{{.ID}}\t{{.Name}}\t{{.CPUPerc}}\t{{.MemUsage}}\t{{.MemPerc}}\t{{.NetIO}}\t{{.BlockIO}}\t{{.PIDs}}';

const headers = {
  Container: 'CONTAINER',
  ID: 'CONTAINER ID',
  Name: 'NAME',
  CPUPerc: 'CPU %',
  MemUsage: 'MEM USAGE / LIMIT',
  MemPerc: 'MEM %',
  NetIO: 'NET I/O',
  BlockIO: 'BLOCK I/O',
  PIDs: 'PIDS',
};

const PERIOD_MS = 1000;
/** Top left, and nothing of what was there before. */
const CLEAR = '\u001b[H\u001b[J';

type Looks = ReadonlyMap<string, ContainerStats>;

export const stats = defineCommand({
  usage: '[OPTIONS] [CONTAINER...]',
  summary: 'Show what containers use',
  flags: {
    all: toggle({ short: 'a', help: 'Also those that do not run' }),
    format: text({ help: "'json', 'table', 'table TEMPLATE' or 'TEMPLATE', such as '{{.Name}} {{.CPUPerc}}'" }),
    'no-stream': toggle({ help: 'Only once' }),
    'no-trunc': toggle({ help: 'Do not shorten ids' }),
  },
  arguments: [0, Infinity],
  run: async (context, { flags, args }) => {
    const print = (now: Looks, before: Looks): void => {
      const rows = [...now].map(([id, look]) => usageRow(look, before.get(id), !flags['no-trunc']));
      const out = formatRows(rows, { format: flags.format, table, headers });
      context.stdout.write(flags['no-stream'] ? out : `${CLEAR}${out}`);
    };
    let before = await lookAt(context, args, flags.all);
    // compat: who names a container that is not there is told so; one that goes later leaves the list.
    if (!flags['no-stream']) print(before, new Map());
    for (;;) {
      await after(PERIOD_MS);
      const now = await lookAt(context, args, flags.all, before);
      print(now, before);
      if (flags['no-stream'] || (args.length > 0 && now.size === 0)) return 0;
      before = now;
    }
  },
});

async function lookAt(
  context: CommandContext,
  names: readonly string[],
  all: boolean,
  known?: Looks,
): Promise<Map<string, ContainerStats>> {
  const { containers } = context.client();
  const wanted = names.length > 0 ? names : (await containers.list({ all })).map(({ Id }) => Id);
  const looks = await Promise.all(
    wanted.map(async (name) => {
      try {
        return await containers.stats(name);
      } catch (error) {
        if (isKind(error, 'not-found') && (known !== undefined || names.length === 0)) return undefined;
        throw error;
      }
    }),
  );
  return new Map(looks.flatMap((look) => (look ? [[look.id, look] as const] : [])));
}
