/** A registry's life: lock, open, listen, until a signal; then requests under way end, and everything is let go of. */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { causeChain, createLog, messageOf, openRecordStores } from '#base';
import { DiskContentStore } from '#images';
import { openHtpasswd, openUpstream, proxiesFromEnvironment, RegistryServer } from '#registry';
import { createWebServer, drain, type TlsSettings, type WebServer } from '#rpc';
import { listenOnPath } from '../listen.ts';
import { lockFolder } from '../lock.ts';
import { errors, type ListenAddress, type RegistryConfiguration, type TlsFiles } from './configuration.ts';

/** Runs until SIGTERM or SIGINT. Throws why it cannot start, having left nothing behind. */
export async function serveRegistry(configuration: RegistryConfiguration, ignored: readonly string[]): Promise<void> {
  const { dataRoot, settings, htpasswd, tls, listen } = configuration;
  const log = createLog(configuration.logLevel).with(configuration.logFields);
  for (const name of ignored) log.warn('this variable is no setting of the registry', { variable: name });
  await using undo = new AsyncDisposableStack();
  if (existsSync(`${dataRoot}/docker/registry/v2`)) throw errors.foreignData(dataRoot);
  undo.use(lockFolder(dataRoot));
  const records = openRecordStores(`${dataRoot}/registry.db`);
  undo.defer(() => records.close());
  const content = new DiskContentStore({ folder: `${dataRoot}/content`, records });
  const onProblem = (error: unknown): void => log.error('the users stay as they were', { error: causeChain(error) });
  const { proxy } = configuration;
  const upstream =
    proxy && undo.use(openUpstream({ ...proxy, config: { proxies: proxiesFromEnvironment(process.env) } }));
  const registry = undo.use(
    new RegistryServer({
      content,
      records,
      log,
      settings,
      authentication: htpasswd && openHtpasswd(htpasswd.path, htpasswd.realm, onProblem),
      upstream,
      ttlMs: proxy?.ttlMs ?? 0,
      graceMs: configuration.graceMs,
      removeUntagged: configuration.removeUntagged,
      uploadsKeptMs: configuration.uploadsKeptMs,
    }),
  );
  const server = createWebServer(registry.door, { tls: tls && readTls(tls) });
  const address = await listenOn(server, listen);
  undo.defer(() => drain(server, configuration.drainMs));
  if (listen.kind === 'unix') undo.defer(() => rmSync(listen.path, { force: true }));
  registry.start();
  process.stdout.write(`registry listen on ${address}\n`);
  const signal = await signalled(() => {
    if (!tls || !('setSecureContext' in server)) return;
    try {
      const { certificate, key, clientAuthorities = [] } = readTls(tls);
      server.setSecureContext({ cert: certificate, key, ca: [...clientAuthorities] });
      log.info('the certificate was read again');
    } catch (error) {
      log.error('the certificate stays as it was', { error: causeChain(error) });
    }
  });
  log.info('stopping', { signal });
}

function readTls({ certificate, key, clientAuthorities, minimumVersion }: TlsFiles): TlsSettings {
  return {
    certificate: readFile(certificate),
    key: readFile(key),
    clientAuthorities: clientAuthorities.map(readFile),
    minimumVersion,
  };
}

function readFile(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw errors.cannotRead(path, messageOf(error));
  }
}

/** Gives the address it listens on, with the port the kernel chose for port 0. */
async function listenOn(server: WebServer, listen: ListenAddress): Promise<string> {
  if (listen.kind === 'unix') {
    await listenOnPath(server, listen.path, { name: '', required: false });
    return listen.path;
  }
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen({ host: listen.host, port: listen.port, backlog: 511 }, resolve);
  try {
    await promise;
  } catch (error) {
    throw errors.cannotListen(`${listen.host}:${listen.port}`, messageOf(error));
  }
  server.off('error', reject);
  const { address, port, family } = server.address() as AddressInfo;
  return family === 'IPv6' ? `[${address}]:${port}` : `${address}:${port}`;
}

function signalled(onHangUp: () => void): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, resolve);
    process.on('SIGHUP', onHangUp);
  });
}
