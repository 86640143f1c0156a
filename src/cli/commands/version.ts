/** `skiff version`: client and daemon. */
import type { SystemVersion } from '#specs';
import { defineCommand } from '../command.ts';
import { contextName } from '../contexts/current-context.ts';
import { describe, exitCode } from '../errors.ts';
import { text } from '../flag-types.ts';
import { packageVersion } from '../package.ts';
import { reportingTemplateErrors } from '../output/rows.ts';
import { compileTemplate } from '../output/template/template.ts';

export const version = defineCommand({
  usage: '[OPTIONS]',
  summary: "Show the client's and the daemon's versions",
  flags: { format: text({ short: 'f', help: "'json' or 'TEMPLATE', such as '{{.Server.Version}}'" }) },
  arguments: [0, 0],
  run: async (context, { flags }) => {
    const { format } = flags;
    const template =
      format === ''
        ? undefined
        : reportingTemplateErrors(() => compileTemplate(format === 'json' ? '{{json .}}' : format), exitCode.template);
    const client = {
      Version: packageVersion(),
      Node: process.version,
      Os: process.platform,
      Arch: process.arch === 'x64' ? 'amd64' : process.arch,
      Context: contextName(context.globals, context.environment),
    };
    let server: SystemVersion | null = null;
    let failure: unknown;
    try {
      server = await context.client().system.version();
    } catch (error) {
      failure = error;
    }
    if (template && server === null && format !== 'json') throw failure;
    if (template)
      context.print(
        reportingTemplateErrors(() =>
          template.execute(told(client, server, context.environment['DOCKER_API_VERSION'])),
        ),
      );
    else context.stdout.write(describeVersions(client, server));
    if (failure === undefined) return 0;
    // compat: what is known of the client is shown even when no daemon answers.
    context.complain(describe(failure));
    return exitCode.failed;
  },
});

/** compat: templates know the API's version by another name than JSON. The client speaks the daemon's unless told. */
function told(client: ClientVersion, server: SystemVersion | null, wanted: string | undefined): object {
  const named = <T extends object>(object: T, ApiVersion: string): T =>
    Object.defineProperty(object, 'APIVersion', { value: ApiVersion });
  const ApiVersion = wanted || server?.ApiVersion || '';
  return {
    Client: named({ ...client, ApiVersion, DefaultAPIVersion: server?.ApiVersion ?? ApiVersion }, ApiVersion),
    Server: server && named({ ...server, Experimental: server.Experimental ?? false }, server.ApiVersion),
  };
}

interface ClientVersion {
  readonly Version: string;
  readonly Node: string;
  readonly Os: string;
  readonly Arch: string;
  readonly Context: string;
}

function describeVersions(client: ClientVersion, server: SystemVersion | null): string {
  const lines = [
    'Client: Skiff',
    field(1, 'Version', client.Version),
    field(1, 'Node', client.Node),
    field(1, 'OS/Arch', `${client.Os}/${client.Arch}`),
  ];
  if (server) {
    lines.push(
      '',
      `Server: ${server.Platform?.Name ?? ''}`.trimEnd(),
      field(1, 'Version', server.Version),
      field(1, 'API version', `${server.ApiVersion} (minimum version ${server.MinAPIVersion})`),
      field(1, 'OS/Arch', `${server.Os}/${server.Arch}`),
      field(1, 'Kernel', server.KernelVersion),
    );
    for (const { Name, Version } of server.Components ?? []) lines.push(field(1, Name, Version));
  }
  return lines.map((line) => `${line}\n`).join('');
}

const field = (depth: number, name: string, value: string): string =>
  `${' '.repeat(depth)}${`${name}:`.padEnd(18)} ${value}`;
