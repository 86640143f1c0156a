/** `skiff volume clone` and `skiff volume snapshot`: what a volume has now, as another volume. Docker has neither. */
import { defineCommand } from '../command.ts';
import { toMap } from '../container-options/environment.ts';
import { list, parseLabel, toggle } from '../flag-types.ts';

const flags = {
  label: list({ help: 'Label of the new volume, as name=value', parse: parseLabel }),
  pause: toggle({ short: 'p', help: 'Freeze containers that run with it meanwhile (default true)', initial: true }),
};

export const volumeClone = defineCommand({
  usage: '[OPTIONS] VOLUME NEW_NAME',
  summary: 'Make a volume with what another has',
  flags,
  arguments: [2, 2],
  run: async (context, { flags: { label, pause }, args: [from = '', Name = ''] }) => {
    const body = { Name, Labels: toMap(label), Pause: pause };
    context.print((await context.client().volumes.clone(from, body)).Name);
    return 0;
  },
});

export const volumeSnapshot = defineCommand({
  usage: '[OPTIONS] VOLUME [NEW_NAME]',
  summary: 'Keep what a volume has now as another volume',
  flags,
  arguments: [1, 2],
  run: async (context, { flags: { label, pause }, args: [from = '', Name = ''] }) => {
    const body = { Name, Labels: toMap(label), Pause: pause };
    context.print((await context.client().volumes.snapshot(from, body)).Name);
    return 0;
  },
});
