/** `skiff port`: where a container's ports can be reached. */
import { defineCommand } from '../command.ts';
import { errors } from '../errors.ts';

interface Binding {
  readonly HostIp: string;
  readonly HostPort: string;
}

type Ports = Readonly<Record<string, readonly Binding[] | null>>;

export const port = defineCommand({
  usage: 'CONTAINER [PRIVATE_PORT[/PROTO]]',
  summary: "List a container's published ports",
  flags: {},
  arguments: [1, 2],
  run: async (context, { args: [name = '', wanted = ''] }) => {
    const { NetworkSettings } = await context.client().containers.inspect(name);
    const ports = (NetworkSettings as { Ports?: Ports | null }).Ports ?? {};
    const bound = Object.entries(ports).flatMap(([inside, list]) => (list ?? []).map((each) => ({ inside, ...each })));
    if (wanted === '') {
      for (const { inside, ...binding } of bound) context.print(`${inside} -> ${addressOf(binding)}`);
      return 0;
    }
    const [number = '', protocol = 'tcp'] = wanted.split('/');
    if (!/^\d+$/.test(number) || Number(number) > 65535) throw errors.invalid(`invalid port '${wanted}'`);
    const matching = bound.filter(({ inside }) => inside === `${Number(number)}/${protocol.toLowerCase()}`);
    if (matching.length === 0) throw errors.invalid(`Error: No public port '${wanted}' published for ${name}`);
    for (const binding of matching) context.print(addressOf(binding));
    return 0;
  },
});

const addressOf = ({ HostIp, HostPort }: Binding): string =>
  HostIp.includes(':') ? `[${HostIp}]:${HostPort}` : `${HostIp}:${HostPort}`;
