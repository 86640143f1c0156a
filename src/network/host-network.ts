/** The host's network as the kernel tells it, and requests to change it: one question, one answer each. */
import { readFileSync, writeFileSync } from 'node:fs';
import { getSystemErrorName } from 'node:util';
import { errnoCode } from '#base';
import type { Launcher } from '#linux';
import {
  getAddresses,
  getChain,
  getLinks,
  getRoutes,
  getRules,
  type InterfaceAddress,
  type Link,
  type NetlinkBatch,
  type NftBatch,
  netlinkProtocol,
  type NftRule,
  type Route,
  readAddresses,
  readChainPolicy,
  readLinks,
  readRoutes,
  readRules,
} from '#wire';
import { errors } from './errors.ts';

const ENOENT = 2;
const ENODEV = 19;

export class HostNetwork {
  readonly #launcher: Pick<Launcher, 'netlink'>;
  /** Transactions on nf_tables go out in the order they were asked for. */
  #lastFilter: Promise<unknown> = Promise.resolve();

  constructor(launcher: Pick<Launcher, 'netlink'>) {
    this.#launcher = launcher;
  }

  async links(): Promise<Link[]> {
    return readLinks(await this.#ask('cannot list the interfaces', getLinks()));
  }

  async link(name: string): Promise<Link | undefined> {
    const { errno, received } = await this.#launcher.netlink(netlinkProtocol.route, getLinks(name).bytes());
    if (errno === ENODEV) return undefined;
    if (errno !== 0) throw kernelError(`cannot look for the interface ${name}`, errno);
    return readLinks(received)[0];
  }

  async addresses(): Promise<InterfaceAddress[]> {
    return readAddresses(await this.#ask('cannot list the addresses', getAddresses()));
  }

  async routes(): Promise<Route[]> {
    return readRoutes(await this.#ask('cannot list the routes', getRoutes()));
  }

  /**
   * Throws `network.kernel` when a message was refused, unless its errno is among those allowed; those before it have been
   * done. Resolves with the errno.
   */
  async change(
    what: string,
    batch: NetlinkBatch,
    namespacePath = '',
    allowed: readonly number[] = [],
  ): Promise<number> {
    const { errno } = await this.#launcher.netlink(netlinkProtocol.route, batch.bytes(), namespacePath);
    if (errno !== 0 && !allowed.includes(errno)) throw kernelError(what, errno);
    return errno;
  }

  /** One transaction of nf_tables; the errnos given are no failure. Resolves with the errno. */
  filter(what: string, batch: NftBatch, allowed: readonly number[] = [], namespacePath = ''): Promise<number> {
    const run = async (): Promise<number> => {
      const { errno } = await this.#launcher.netlink(netlinkProtocol.netfilter, batch.bytes(), namespacePath);
      if (errno !== 0 && !allowed.includes(errno)) throw kernelError(what, errno);
      return errno;
    };
    const result = this.#lastFilter.then(run, run);
    this.#lastFilter = result.catch(() => {});
    return result;
  }

  /** What becomes of packets no rule of a chain of somebody's decides on; undefined when there is no such chain. */
  async chainPolicy(family: number, table: string, chain: string): Promise<'accept' | 'drop' | undefined> {
    const { errno, received } = await this.#launcher.netlink(
      netlinkProtocol.netfilter,
      getChain(family, table, chain).bytes(),
    );
    if (errno === ENOENT) return undefined;
    if (errno !== 0) throw kernelError(`cannot look for the chain ${table} ${chain}`, errno);
    return readChainPolicy(received);
  }

  async rules(family: number, table: string, chain: string): Promise<NftRule[]> {
    const question = getRules(family, table, chain).bytes();
    const { errno, received } = await this.#launcher.netlink(netlinkProtocol.netfilter, question);
    if (errno === ENOENT) return [];
    if (errno !== 0) throw kernelError(`cannot list the rules of ${table} ${chain}`, errno);
    return readRules(received);
  }

  async #ask(what: string, batch: NetlinkBatch): Promise<Buffer> {
    const { errno, received } = await this.#launcher.netlink(netlinkProtocol.route, batch.bytes());
    if (errno !== 0) throw kernelError(what, errno);
    return received;
  }
}

export function kernelError(what: string, errno: number): Error {
  return errors.kernel(what, getSystemErrorName(-errno));
}

/** Switches below /proc/sys/net of the daemon's own network. */
export const netSwitches = {
  read: (name: string): string => readFileSync(`/proc/sys/net/${name}`, 'utf8').trim(),
  /** Throws `network.kernel` naming the switch. */
  write: (name: string, value: string): void => {
    try {
      writeFileSync(`/proc/sys/net/${name}`, value);
    } catch (error) {
      throw errors.kernel(`cannot write ${value} to /proc/sys/net/${name}`, errnoCode(error) ?? String(error));
    }
  },
};
