/** A daemon with its default bridge in a network of its own, and a second host beside it. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { sh } from './containers.ts';
import { Daemon } from './daemon.ts';
import { runTool, toolOutput } from './engines.ts';
import { eventually } from './eventually.ts';
import { PrivateNetwork } from './network.ts';

/** The question back with one answer: a pointer to its name, type A, class IN, a minute, 192.0.2.7. */
const NAME_SERVER = `
  const socket = require('node:dgram').createSocket('udp4');
  socket.on('message', (query, { port, address }) => {
    const end = query.indexOf(0, 12) + 5;
    const head = Buffer.from(query.subarray(0, 12));
    head.writeUInt16BE(0x8180, 2);
    head.writeUInt16BE(1, 6);
    head.writeUInt32BE(0, 8);
    const answer = Buffer.from('c00c000100010000003c0004c0000207', 'hex');
    socket.send(Buffer.concat([head, query.subarray(12, end), answer]), port, address);
  });
  socket.bind(53, '10.9.0.2');
`;

export interface Endpoint {
  readonly IPAddress: string;
  readonly MacAddress: string;
  readonly EndpointID: string;
  readonly Limits?: Readonly<Record<string, number>>;
}

/** The daemon's host is 10.9.0.1, fd09::1, its neighbour 10.9.0.2, fd09::2. */
export class World implements AsyncDisposable {
  readonly network = new PrivateNetwork();
  readonly neighbour = new PrivateNetwork();
  readonly daemon: Daemon;

  constructor() {
    this.daemon = new Daemon(this.network.enter);
  }

  static async start(...flags: readonly string[]): Promise<World> {
    const world = new World();
    await Promise.all([world.network.ready(), world.neighbour.ready()]);
    const { pid } = world.neighbour;
    world.here('ip', 'link', 'add', 'lan', 'type', 'veth', 'peer', 'name', 'lan', 'netns', String(pid));
    for (const [at, number] of [
      ['here', 1],
      ['there', 2],
    ] as const) {
      world[at]('ip', 'address', 'add', `10.9.0.${number}/24`, 'dev', 'lan');
      world[at]('ip', 'address', 'add', `fd09::${number}/64`, 'dev', 'lan', 'nodad');
      world[at]('ip', 'link', 'set', 'lan', 'up');
    }
    await world.daemon.start('--bridge=skiff0', ...flags);
    await world.daemon.import();
    return world;
  }

  here(...command: readonly string[]): string {
    return toolOutput([...this.network.enter, ...command]);
  }

  there(...command: readonly string[]): string {
    return toolOutput([...this.neighbour.enter, ...command]);
  }

  /** The body of an HTTP answer, or the exit code of curl. */
  fetch(url: string, from: PrivateNetwork = this.network, seconds = 2): string | number {
    const { status, stdout } = runTool([...from.enter, 'curl', '-s', '-m', String(seconds), url]);
    return status === 0 ? stdout : status;
  }

  async endpoint(id: string, network = 'bridge'): Promise<Endpoint> {
    const answer = (await this.daemon.http.call('GET', `/containers/${id}/json`)).json<{
      NetworkSettings: { Networks: Record<string, Endpoint> };
    }>();
    return answer.NetworkSettings.Networks[network]!;
  }

  async createNetwork(body: object): Promise<void> {
    await this.daemon.http.call('POST', '/networks/create', body);
  }

  async listening(id: string): Promise<void> {
    await eventually('the server listens', async () => {
      const { code } = await this.daemon.containers.exec(id, { Cmd: sh('netstat -tln | grep -q :80') });
      return code === 0;
    });
  }

  /** One at the neighbour's: every name has the address 192.0.2.7. */
  nameServer(): Disposable {
    const [program, ...args] = [...this.neighbour.enter, process.execPath, '-e', NAME_SERVER];
    const child = spawn(program, args, { stdio: 'ignore' });
    return { [Symbol.dispose]: () => void child.kill('SIGKILL') };
  }

  /** Names of interfaces of the daemon's host, the loopback and the one to its neighbour left out. */
  links(): string[] {
    const lines = this.here('ip', '-o', 'link').trim().split('\n');
    return lines.map((line) => line.split(': ')[1]!.split('@')[0]!).filter((name) => !['lan', 'lo'].includes(name));
  }

  /** How many ports the daemon's rules lead to containers. */
  ledPorts(): number {
    return this.here('nft', 'list', 'table', 'inet', 'skiff0').match(/ : \d+\.\d+\.\d+\.\d+ \. \d+/g)?.length ?? 0;
  }

  /** How many are open on containers' own addresses. */
  openPorts(): number {
    const text = this.here('nft', 'list', 'table', 'inet', 'skiff0');
    const sets = text.match(/set open[46] {[^}]*elements = {[^}]*}/g) ?? [];
    return sets.flatMap((set) => set.match(/ \. \d+\b/g) ?? []).length;
  }

  /** Nothing of networks is left once the daemon has ended: links, nftables. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.daemon[Symbol.asyncDispose]();
      assert.deepEqual(this.links(), [], 'no link is left');
      const { status, stdout } = runTool([...this.network.enter, 'nft', 'list', 'tables']);
      // Where there is no nft there is nobody to ask.
      if (status === 0) assert.doesNotMatch(stdout, /skiff/, 'no table is left');
    } finally {
      await this.network[Symbol.asyncDispose]();
      await this.neighbour[Symbol.asyncDispose]();
    }
  }
}
