/** `skiff info`: the daemon and its host. */
import { formatBinaryBytes } from '#base';
import type { SystemInfo } from '#specs';
import { type CommandContext, defineCommand } from '../command.ts';
import { contextName } from '../contexts/current-context.ts';
import { exitCode } from '../errors.ts';
import { text } from '../flag-types.ts';
import { packageVersion } from '../package.ts';
import { reportingTemplateErrors } from '../output/rows.ts';
import { compileTemplate } from '../output/template/template.ts';

export const info = defineCommand({
  usage: '[OPTIONS]',
  summary: 'Describe the daemon and its host',
  flags: { format: text({ short: 'f', help: "'json' or 'TEMPLATE', such as '{{.CgroupVersion}}'" }) },
  arguments: [0, 0],
  run: async (context, { flags: { format } }) => {
    const template =
      format === ''
        ? undefined
        : reportingTemplateErrors(() => compileTemplate(format === 'json' ? '{{json .}}' : format), exitCode.template);
    const found = await context.client().system.info();
    if (template)
      context.print(
        reportingTemplateErrors(() =>
          template.execute({ ...found, ServerErrors: null, ClientInfo: clientInfo(context) }),
        ),
      );
    else context.stdout.write(describeInfo(found));
    for (const warning of found.Warnings ?? []) context.complain(warning);
    return 0;
  },
});

/** compat: what Docker's client tells of itself beside the daemon. */
const clientInfo = ({ globals, environment }: CommandContext) => ({
  Debug: globals.debug,
  Version: packageVersion(),
  Context: contextName(globals, environment),
  Plugins: [],
  Warnings: null,
});

function describeInfo(found: SystemInfo): string {
  const lines: readonly (readonly [number, string, unknown])[] = [
    [0, 'Client', ''],
    [1, 'Version', packageVersion()],
    [0, '', ''],
    [0, 'Server', ''],
    [1, 'Containers', found.Containers],
    [2, 'Running', found.ContainersRunning],
    [2, 'Paused', found.ContainersPaused],
    [2, 'Stopped', found.ContainersStopped],
    [1, 'Images', found.Images],
    [1, 'Server Version', found.ServerVersion],
    [1, 'Storage Driver', found.Driver],
    [1, 'Logging Driver', found.LoggingDriver],
    [1, 'Cgroup Driver', found.CgroupDriver],
    [1, 'Cgroup Version', found.CgroupVersion],
    [1, 'Plugins', ''],
    [2, 'Volume', (found.Plugins?.Volume ?? []).join(' ')],
    [2, 'Network', (found.Plugins?.Network ?? []).join(' ')],
    [2, 'Log', (found.Plugins?.Log ?? []).join(' ')],
    [1, 'Runtimes', Object.keys(found.Runtimes ?? {}).join(' ')],
    [1, 'Default Runtime', found.DefaultRuntime],
    [1, 'Init Binary', found.InitBinary],
    [1, 'Security Options', ''],
    ...(found.SecurityOptions ?? []).flatMap(securityLines),
    [1, 'Kernel Version', found.KernelVersion],
    [1, 'Operating System', found.OperatingSystem],
    [1, 'OSType', found.OSType],
    [1, 'Architecture', found.Architecture],
    [1, 'CPUs', found.NCPU],
    [1, 'Total Memory', formatBinaryBytes(found.MemTotal)],
    [1, 'Name', found.Name],
    [1, 'ID', found.ID],
    [1, 'Root Dir', found.DockerRootDir],
    [1, 'Live Restore Enabled', found.LiveRestoreEnabled],
  ];
  return lines
    .map(([depth, name, value]) =>
      name === '' ? '\n' : `${' '.repeat(depth)}${name}: ${String(value)}`.replace(/: $/, ':') + '\n',
    )
    .join('');
}

/** `name=seccomp,profile=builtin` as two lines. */
function securityLines(option: string): (readonly [number, string, string])[] {
  const [name = '', ...rest] = option.split(',');
  const details = rest.map((detail) => detail.split('='));
  return [
    [2, name.replace(/^name=/, ''), ''],
    ...details.map(([key = '', value = '']) => [3, `${key[0]?.toUpperCase()}${key.slice(1)}`, value] as const),
  ];
}
