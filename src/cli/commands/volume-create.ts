/** `skiff volume create`. */
import { defineCommand } from '../command.ts';
import { toMap } from '../container-options/environment.ts';
import { errors } from '../errors.ts';
import { list, parseLabel, text } from '../flag-types.ts';

/** compat: those of a swarm's volumes. */
const ofClusters = [
  'availability',
  'group',
  'limit-bytes',
  'required-bytes',
  'scope',
  'secret',
  'sharing',
  'topology-preferred',
  'topology-required',
  'type',
] as const;

const swarmFlags = Object.fromEntries(
  ofClusters.map((name) => [name, text({ help: 'Of volumes of a swarm, which there is none of here' })]),
);

export const volumeCreate = defineCommand({
  usage: '[OPTIONS] [VOLUME]',
  summary: 'Make a volume',
  flags: {
    driver: text({ short: 'd', help: 'Who keeps its files', initial: 'local' }),
    label: list({ help: 'Label, as name=value', parse: parseLabel }),
    name: text({ help: 'Its name, as the argument says it' }),
    opt: list({ short: 'o', help: 'Option of the driver, as type=nfs, device=:/share or o=addr=host,rw' }),
    ...swarmFlags,
  },
  arguments: [0, 1],
  run: async (context, { flags, given, args: [argument = ''] }) => {
    if (flags.name !== '' && argument !== '') {
      throw errors.invalid(
        'conflicting options: cannot specify a volume-name through both --name and as a positional arg',
      );
    }
    const foreign = ofClusters.find((name) => given.has(name));
    if (foreign !== undefined) throw errors.invalid(`--${foreign} is of volumes of a swarm: leave it out`);
    const Name = argument === '' ? flags.name : argument;
    const volume = await context.client().volumes.create({
      Driver: flags.driver,
      ...(Name === '' ? {} : { Name }),
      ...(flags.opt.length === 0 ? {} : { DriverOpts: toMap(flags.opt) }),
      ...(flags.label.length === 0 ? {} : { Labels: toMap(flags.label) }),
    });
    context.print(volume.Name);
    return 0;
  },
});
