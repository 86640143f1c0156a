/**
 * The typed client: `createClient()` talks to the local daemon, `createClient({ host })` to any that speaks the
 * Docker Engine API. Connections are kept until `close`; nothing is sent before the first call.
 */
import type { Duplex } from 'node:stream';
import type { SkiffError } from '#base';
import type { LocalDoor } from '#rpc';
import type { ContainerCreateBody } from '#specs';
import { type Builds, buildsOf } from './builds.ts';
import { type Containers, containersOf } from './containers.ts';
import { type Execs, execsOf } from './execs.ts';
import type { ClientTls } from './connections.ts';
import { DEFAULT_HOST, parseHost } from './host.ts';
import { type Images, imagesOf } from './images.ts';
import { type LaunchedContainer, launchContainer } from './launched-container.ts';
import { type Networks, networksOf } from './networks.ts';
import { type Registries, registriesOf } from './registries.ts';
import { type System, systemOf } from './system.ts';
import { type Volumes, volumesOf } from './volumes.ts';
import { Transport } from './transport.ts';

export interface ClientOptions {
  /** `unix:///path`, `tcp://host:port` or `ssh://user@host`; absent: the local daemon. */
  readonly host?: string | undefined;
  /** For TCP. */
  readonly tls?: ClientTls | undefined;
  /** Makes the connections of an `ssh://` host: a stream to a daemon's socket. */
  readonly dial?: (() => Duplex) | undefined;
  /** Answers instead of any connection: the daemon is this process. */
  readonly local?: LocalDoor | undefined;
  /** Such as `1.44`; absent: the daemon's newest. */
  readonly apiVersion?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Asked once when nobody listens: true when the daemon is there now. */
  readonly onUnreachable?: ((error: SkiffError) => Promise<boolean>) | undefined;
}

export interface SkiffClient extends Disposable {
  readonly host: string;
  readonly builds: Builds;
  readonly containers: Containers;
  readonly execs: Execs;
  readonly images: Images;
  readonly networks: Networks;
  readonly registries: Registries;
  readonly system: System;
  readonly volumes: Volumes;
  /** Creates and starts a container, which goes away with the value. Its image has to be here. */
  run(body: ContainerCreateBody, name?: string): Promise<LaunchedContainer>;
  /** A bare connection to the daemon. */
  dial(): Promise<Duplex>;
  /** Ends the kept connections. Streams that are open go on. */
  close(): void;
}

/** Throws `client.badHost`, and `client.cannotDial` for ssh without `dial`. */
export function createClient(options: ClientOptions = {}): SkiffClient {
  const { host = DEFAULT_HOST, ...rest } = options;
  const transport = new Transport({ endpoint: parseHost(host, { tls: rest.tls !== undefined }), ...rest });
  const parts = { containers: containersOf(transport), execs: execsOf(transport) };
  return {
    host: transport.host,
    ...parts,
    builds: buildsOf(transport),
    images: imagesOf(transport),
    networks: networksOf(transport),
    registries: registriesOf(transport),
    system: systemOf(transport),
    volumes: volumesOf(transport),
    run: (body, name) => launchContainer(parts, body, name),
    dial: () => transport.dial(),
    close: () => transport.close(),
    [Symbol.dispose]: () => transport.close(),
  };
}
