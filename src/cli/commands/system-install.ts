/** `skiff system install`: the daemon as a service of this host. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { type CommandContext, defineCommand } from '../command.ts';
import { errors } from '../errors.ts';
import { text, toggle } from '../flag-types.ts';
import { describeStep, perform } from '../install/perform.ts';
import { installSteps, type Step, uninstallSteps } from '../install/plan.ts';
import { packageRoot } from '../package.ts';

const flags = {
  'dry-run': toggle({ help: 'Only print what would be done' }),
  root: text({ initial: '/', help: 'Folder of the root file system to install to' }),
};

export const systemInstall = defineCommand({
  usage: '[OPTIONS]',
  summary: 'Have systemd start the daemon: units, socket, and a group that may use it',
  flags: {
    ...flags,
    group: text({ initial: 'skiff', help: 'Group that may use the socket' }),
    'package-root': text({ help: 'Where the package is below that root (default: where this one is)' }),
  },
  arguments: [0, 0],
  run: async (context, { flags: given }) => {
    const root = resolve(context.workingDirectory, given.root);
    if (!/^[a-z_][a-z0-9_-]{0,30}$/.test(given.group)) throw errors.invalid(`invalid group name '${given.group}'`);
    const options = {
      root,
      live: isLive(root),
      group: given.group,
      packageRoot: given['package-root'] || packageRoot(),
    };
    follow(context, installSteps(options), root, given['dry-run']);
    if (!given['dry-run'] && root === '/' && !options.live) {
      context.complain("systemd does not run here: start 'skiffd' yourself, or let the first skiff command do it");
    }
    return 0;
  },
});

export const systemUninstall = defineCommand({
  usage: '[OPTIONS]',
  summary: 'Take back what install did; data and the group stay',
  flags,
  arguments: [0, 0],
  run: async (context, { flags: given }) => {
    const root = resolve(context.workingDirectory, given.root);
    follow(context, uninstallSteps({ live: isLive(root) }), root, given['dry-run']);
    return 0;
  },
});

function follow(context: CommandContext, steps: readonly Step[], root: string, isDry: boolean): void {
  if (!existsSync(root)) throw errors.invalid(`there is no folder ${root}`);
  if (!isDry && process.geteuid?.() !== 0) throw errors.invalid('installing takes root: run it with sudo');
  for (const step of steps) context.print(isDry ? describeStep(step, root) : perform(step, root));
}

/** kernel: systemd makes this folder where it is the host's init. */
const isLive = (root: string): boolean => root === '/' && existsSync('/run/systemd/system');
