/** Which ports of the host are published, and for whom; whether others have a port, the attempt to hold it tells. */
import { readFileSync } from 'node:fs';
import { errnoCode, messageOf } from '#base';
import { familyOf } from './cidr.ts';
import { errors } from './errors.ts';
import type { PortProtocol, PortWish, PublishedPort } from './network-record.ts';
import { holderOfPort } from './port-holder.ts';

interface Holder {
  readonly hostIp: string;
  readonly containerId: string;
  readonly containerName: string;
}

const ANY = new Set(['0.0.0.0', '::']);
/** Takes a port of the host; rejects with Node's error when it cannot be had. */
export type HoldPort = (port: PublishedPort) => Promise<readonly Disposable[]>;

export interface HeldPorts {
  readonly ports: readonly PublishedPort[];
  readonly held: readonly Disposable[];
}

export class PortTable {
  /** By `tcp/8080`. */
  readonly #holders = new Map<string, Holder[]>();
  readonly #range: () => readonly [number, number];
  #lastAny = 0;

  constructor(range: () => readonly [number, number] = localPortRange) {
    this.#range = range;
  }

  /** Notes a port that is published already, after a restart of the daemon. */
  restore(holder: { readonly id: string; readonly name: string }, port: PublishedPort): void {
    this.#note(holder, port);
  }

  /**
   * Finds a port for each address of a wish, the same on all of them, and takes it. Throws `network.portTaken` naming who has
   * it, and `network.noPort`; then none is held.
   */
  async publish(
    holder: { readonly id: string; readonly name: string },
    wish: PortWish,
    hostIps: readonly string[],
    hold: HoldPort,
  ): Promise<HeldPorts> {
    const { protocol, containerPort } = wish;
    const isChoice = wish.hostPort === 0 || wish.hostPortEnd > wish.hostPort;
    for (const hostPort of this.#candidates(wish)) {
      const taken = hostIps.map((ip) => this.#holderOf(protocol, ip, hostPort)).find((each) => each !== undefined);
      if (taken !== undefined) {
        if (isChoice) continue;
        throw errors.portTaken(hostIps[0]!, hostPort, `container ${taken.containerName}`);
      }
      // Noted before it is waited for, so that nobody else chooses it meanwhile.
      const ports = hostIps.map((hostIp): PublishedPort => ({ containerPort, protocol, hostIp, hostPort }));
      for (const port of ports) this.#note(holder, port);
      const held: Disposable[] = [];
      try {
        for (const port of ports) held.push(...(await hold(port)));
        return { ports, held };
      } catch (error) {
        for (const each of held) each[Symbol.dispose]();
        this.release(holder.id, ports);
        if (errnoCode(error) === 'EADDRINUSE' && isChoice) continue;
        throw this.refusal(error, protocol, hostIps.join(', '), hostPort);
      }
    }
    const [from, to] = wish.hostPort === 0 ? this.#range() : [wish.hostPort, wish.hostPortEnd];
    throw errors.noPort(from, to);
  }

  /** In words for people, why an address and port cannot be had. */
  refusal(error: unknown, protocol: PortProtocol, hostIp: string, hostPort: number): Error {
    if (errnoCode(error) === 'EADDRINUSE') {
      return errors.portTaken(hostIp, hostPort, holderOfPort(protocol, hostPort));
    }
    return errors.badAddress(hostIp, messageOf(error));
  }

  release(containerId: string, ports: readonly PublishedPort[]): void {
    for (const { protocol, hostPort, hostIp } of ports) {
      const key = `${protocol}/${hostPort}`;
      const left = (this.#holders.get(key) ?? []).filter(
        (holder) => holder.containerId !== containerId || holder.hostIp !== hostIp,
      );
      if (left.length > 0) this.#holders.set(key, left);
      else this.#holders.delete(key);
    }
  }

  #note(
    { id, name }: { readonly id: string; readonly name: string },
    { protocol, hostPort, hostIp }: PublishedPort,
  ): void {
    const key = `${protocol}/${hostPort}`;
    this.#holders.getOrInsertComputed(key, () => []).push({ hostIp, containerId: id, containerName: name });
  }

  #holderOf(protocol: PortProtocol, hostIp: string, port: number): Holder | undefined {
    return this.#holders
      .get(`${protocol}/${port}`)
      ?.find(
        (holder) =>
          familyOf(holder.hostIp) === familyOf(hostIp) &&
          (holder.hostIp === hostIp || ANY.has(holder.hostIp) || ANY.has(hostIp)),
      );
  }

  /** compat: any port comes from the kernel's range for clients, and each is the one after the last. */
  *#candidates({ hostPort, hostPortEnd }: PortWish): Generator<number> {
    if (hostPort !== 0) {
      for (let port = hostPort; port <= Math.max(hostPort, hostPortEnd); port++) yield port;
      return;
    }
    const [from, to] = this.#range();
    const count = to - from + 1;
    for (let tried = 0; tried < count; tried++) {
      this.#lastAny = this.#lastAny < from || this.#lastAny >= to ? from : this.#lastAny + 1;
      yield this.#lastAny;
    }
  }
}

function localPortRange(): readonly [number, number] {
  try {
    const [from = 32768, to = 60999] = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8')
      .trim()
      .split(/\s+/)
      .map(Number);
    return [from, to];
  } catch {
    return [32768, 60999];
  }
}
