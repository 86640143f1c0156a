/** `skiff system fsck`: compare what is recorded of images with what is on the disk. */
import { defineCommand } from '../command.ts';
import { toggle } from '../flag-types.ts';

export const systemFsck = defineCommand({
  usage: '[OPTIONS]',
  summary: 'Compare the records of images, layers and blobs with the disk',
  flags: {
    deep: toggle({ help: 'Also read every blob and compare its digest' }),
    repair: toggle({ help: 'Make it agree: unpack again what is missing, remove what cannot be made whole' }),
  },
  arguments: [0, 0],
  run: async (context, { flags }) => {
    const { Faults } = await context.client().images.check({ repair: flags.repair, deep: flags.deep });
    for (const { message, isRepaired } of Faults) context.print(isRepaired ? `repaired: ${message}` : message);
    const left = Faults.filter(({ isRepaired }) => !isRepaired).length;
    if (Faults.length === 0) context.print('clean');
    else if (left > 0 && !flags.repair) context.complain(`${left} problems: skiff system fsck --repair`);
    return left === 0 ? 0 : 1;
  },
});
