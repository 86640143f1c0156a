/** `skiff inspect`: everything the daemon says about containers, images and networks. */
import { formatJson64, parseJson64 } from '#specs';
import type { SkiffClient } from '#client';
import { type CommandContext, defineCommand } from '../command.ts';
import { describe, errors, exitCode, isKind } from '../errors.ts';
import { text, toggle } from '../flag-types.ts';
import { reportingTemplateErrors } from '../output/rows.ts';
import { compileTemplate } from '../output/template/template.ts';

const format = text({ short: 'f', help: "'json' or 'TEMPLATE', such as '{{.State.Pid}}'" });

const size = toggle({ short: 's', help: 'Tell what a container takes on the disk' });

export const inspect = defineCommand({
  usage: '[OPTIONS] NAME|ID [NAME|ID...]',
  summary: 'Show all there is to know about containers and images',
  flags: { format, size, type: text({ help: 'Only look for a container, an image, or a network' }) },
  arguments: [1, Infinity],
  run: async (context, { flags, args }) => {
    if (!['', 'container', 'image', 'network'].includes(flags.type)) {
      throw errors.invalid(`"${flags.type}" is not a valid value for --type: use container, image or network`);
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
  flags: { format },
  arguments: [1, Infinity],
  run: (context, { flags, args }) =>
    showAll(context, args, flags.format, (name) => context.client().images.inspectText(name)),
});

export const inspectNetworks = defineCommand({
  usage: '[OPTIONS] NETWORK [NETWORK...]',
  summary: 'Show all there is to know about networks',
  flags: { format, verbose: toggle({ short: 'v', help: 'More of the networks of a swarm; here there is none' }) },
  arguments: [1, Infinity],
  run: (context, { flags, args }) =>
    showAll(context, args, flags.format, (name) => context.client().networks.inspectText(name)),
});

/** compat: a container comes before an image of the same name, and that before a network. */
async function findObject(
  { containers, images, networks }: SkiffClient,
  name: string,
  type: string,
  size: boolean,
): Promise<string> {
  const sources = {
    container: () => containers.inspectText(name, { size }),
    image: () => images.inspectText(name),
    network: () => networks.inspectText(name),
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

/** compat: what was found is shown, then the reasons for what was not. */
async function showAll(
  context: CommandContext,
  names: readonly string[],
  formatText: string,
  read: (name: string) => Promise<string>,
): Promise<number> {
  const show = formatter(formatText);
  const found: unknown[] = [];
  const reasons: string[] = [];
  for (const name of names) {
    try {
      found.push(parseJson64(await read(name)));
    } catch (error) {
      reasons.push(describe(error));
    }
  }
  context.stdout.write(show(found));
  for (const reason of reasons) context.complain(reason);
  return reasons.length > 0 ? exitCode.failed : 0;
}

function formatter(formatText: string): (found: readonly unknown[]) => string {
  if (formatText === '') return (found) => `${found.length === 0 ? '[]' : formatJson64(found, 4)}\n`;
  if (formatText === 'json') return (found) => `${formatJson64(found)}\n`;
  const template = reportingTemplateErrors(() => compileTemplate(formatText, { openMaps, nullText }));
  return (found) => reportingTemplateErrors(() => found.map((object) => `${template.execute(object)}\n`).join(''));
}

/** compat: Docker knows the types of these fields, JSON does not tell them. Maps with keys of the user's choice. */
const openMaps: ReadonlySet<string> = new Set([
  'Annotations',
  'Data',
  'DriverOpts',
  'ExposedPorts',
  'Labels',
  'Networks',
  'OnBuild',
  'PortBindings',
  'Ports',
  'StorageOpt',
  'Sysctls',
  'Tmpfs',
  'Volumes',
]);

const pointers: ReadonlySet<string> = new Set([
  'Health',
  'Healthcheck',
  'Init',
  'MemorySwappiness',
  'OomKillDisable',
  'PidsLimit',
  'StopTimeout',
]);

/** compat: Go prints a null map as `map[]`, a null pointer as `<nil>`, a null list as `[]`. */
function nullText(field: string): string {
  if (openMaps.has(field)) return 'map[]';
  return pointers.has(field) ? '<nil>' : '[]';
}
