/** `skiff inspect`: everything the daemon says about containers, images, networks and volumes. */
import type { SkiffClient } from '#client';
import { defineCommand } from '../command.ts';
import { errors, isKind } from '../errors.ts';
import { text, toggle } from '../flag-types.ts';
import { showAll } from '../show-all.ts';

const format = text({ short: 'f', help: "'json' or 'TEMPLATE', such as '{{.State.Pid}}'" });

const size = toggle({ short: 's', help: 'Tell what a container takes on the disk' });

export const inspect = defineCommand({
  usage: '[OPTIONS] NAME|ID [NAME|ID...]',
  summary: 'Show all there is to know about containers and images',
  flags: { format, size, type: text({ help: 'Only look for a container, an image, a network, or a volume' }) },
  arguments: [1, Infinity],
  run: async (context, { flags, given, args }) => {
    // compat: no type and one that is said to be nothing are not the same.
    if (given.has('type') && flags.type === '') {
      throw errors.invalid('type is empty: must be one of "container", "image", "network", "volume"');
    }
    if (!['', 'container', 'image', 'network', 'volume'].includes(flags.type)) {
      throw errors.invalid(`"${flags.type}" is not a valid value for --type: use container, image, network or volume`);
    }
    return showAll(context, args, flags.format, (name) => findObject(context.client(), name, flags.type, flags.size));
  },
});

export const inspectContainers = defineCommand({
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  summary: 'Show all there is to know about containers',
  flags: { format, size },
  arguments: [1, Infinity],
  run: (context, { flags, args }) =>
    showAll(context, args, flags.format, (name) => context.client().containers.inspectText(name, { size: flags.size })),
});

export const inspectImages = defineCommand({
  usage: '[OPTIONS] IMAGE [IMAGE...]',
  summary: 'Show all there is to know about images',
  flags: { format, platform: text({ help: 'The image for this platform, such as linux/arm64' }) },
  arguments: [1, Infinity],
  run: (context, { flags: { format: template, platform }, args }) =>
    showAll(context, args, template, (name) =>
      context.client().images.inspectText(name, { platform: platform || undefined }),
    ),
});

export const inspectNetworks = defineCommand({
  usage: '[OPTIONS] NETWORK [NETWORK...]',
  summary: 'Show all there is to know about networks',
  flags: { format, verbose: toggle({ short: 'v', help: 'More of the networks of a swarm; here there is none' }) },
  arguments: [1, Infinity],
  run: (context, { flags, args }) =>
    showAll(context, args, flags.format, (name) => context.client().networks.inspectText(name)),
});

export const inspectVolumes = defineCommand({
  usage: '[OPTIONS] VOLUME [VOLUME...]',
  summary: 'Show all there is to know about volumes',
  flags: { format },
  arguments: [1, Infinity],
  run: (context, { flags, args }) =>
    showAll(context, args, flags.format, (name) => context.client().volumes.inspectText(name)),
});

/** compat: a container comes before an image of the same name, that before a network, and a volume last. */
async function findObject(
  { containers, images, networks, volumes }: SkiffClient,
  name: string,
  type: string,
  size: boolean,
): Promise<string> {
  const sources = {
    container: () => containers.inspectText(name, { size }),
    image: () => images.inspectText(name),
    network: () => networks.inspectText(name),
    volume: () => volumes.inspectText(name),
  };
  for (const [kind, read] of Object.entries(sources)) {
    if (type !== '' && type !== kind) continue;
    try {
      return await read();
    } catch (error) {
      if (!isKind(error, 'not-found')) throw error;
    }
  }
  throw errors.invalid(`Error: No such ${type === '' ? 'object' : type}: ${name}`);
}
