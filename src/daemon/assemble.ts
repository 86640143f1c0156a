/** Builds the engine from its parts. The only place that knows them all. */
import { mkdirSync, statfsSync, writeFileSync } from 'node:fs';
import { createLog, KeyedMutex, type Log, messageOf, nowNs, openRecordStores } from '#base';
import { Builder, cachedLayers, removeLeftSteps } from '#build';
import {
  compressedLogOf,
  type ContainerRecord,
  createAttachments,
  createEvents,
  createExecInstances,
  createRestarts,
  type EngineParts,
  LogCompressor,
  openContainers,
  Shipments,
  type ShippedMark,
  type SettingsCell,
} from '#engine';
import { openImages } from '#images';
import { helperPath, readCgroupHost, readHostFacts, startLauncher } from '#linux';
import { HostNetwork, type NetworkRecord, Networks } from '#network';
import { openRegistryClient } from '#registry';
import { ContainerRuntime, HostMounts, SeccompCache } from '#runtime';
import { type VolumeRecord, Volumes } from '#volumes';
import type { DaemonConfig } from './config.ts';
import { engineId } from './engine-id.ts';
import { errors } from './errors.ts';

const ROOM_DELAY_MS = 1000;

export interface Assembly extends AsyncDisposable {
  readonly parts: EngineParts;
  readonly builder: Builder;
  readonly log: Log;
  /** Goes by the settings of the engine, of registries and of the log; the rest of the configuration stays. */
  reconfigure(config: Pick<DaemonConfig, 'registry' | 'settings' | 'logLevel'>): void;
}

/** Opens the state, starts the launcher. Undone in reverse when disposed; containers are left alone. */
export async function assemble(config: DaemonConfig): Promise<Assembly> {
  await using undo = new AsyncDisposableStack();
  const settings: SettingsCell = { current: config.settings };
  let level = config.logLevel;
  const log = createLog(() => level, undefined, {}, config.logFormat);
  for (const folder of [config.dataRoot, config.execRoot]) mkdirSync(folder, { recursive: true, mode: 0o711 });
  mkdirSync(`${config.execRoot}/rootfs`, { recursive: true, mode: 0o755 });
  mkdirSync(`${config.execRoot}/containers`, { recursive: true, mode: 0o711 });

  const records = openRecordStores(`${config.dataRoot}/skiff.db`);
  // Later: nobody who has just started the daemon should wait for it.
  const reserving = setTimeout(() => records.reserveRoom(), ROOM_DELAY_MS).unref();
  undo.defer(() => {
    clearTimeout(reserving);
    records.close();
  });
  const events = createEvents(nowNs);
  const launcher = undo.use(await startLauncher());
  const facts = readHostFacts();
  const helperProgram = helperPath();
  const registry = undo.use(openRegistryClient(config.registry, log));
  const cgroupHost = readCgroupHost();
  const seccomp = new SeccompCache();
  const runtime = new ContainerRuntime({ launcher, facts, cgroupHost, seccomp, helperProgram, log });
  // Before the layers they write into are looked at.
  await removeLeftSteps({ options: config, runtime, log });
  let builder: Builder | undefined;
  const { images, snapshots, buildLayers } = undo.use(
    await openImages({
      dataRoot: config.dataRoot,
      records,
      facts,
      registry,
      helperProgram,
      storageDriver: config.storageDriver,
      log,
      announce: ({ action, id, attributes }) => events.emit('image', action, id, attributes),
      // The collector runs once before the builder is there.
      holdsLayers: () => builder?.wantedLayers() ?? cachedLayers(records),
    }),
  );
  const shipments = new Shipments({
    marks: records.of<ShippedMark>('shipped-lines'),
    sendDatagrams: (path, texts) => runtime.sendDatagrams(path, texts),
    log,
  });
  undo.defer(() => shipments.close());
  const containers = openContainers(records.of<ContainerRecord>('container'));
  const live: EngineParts['live'] = new Map();
  const logCompressor = undo.use(
    new LogCompressor({
      placeOf: (id) => compressedLogOf(config, containers.get(id)),
      processOf: (id) => live.get(id)?.process,
      log,
    }),
  );
  const networks = new Networks({
    store: records.of<NetworkRecord>('network'),
    host: new HostNetwork(launcher),
    launcher,
    options: config.network,
    log,
    nowNs,
  });
  const hostMounts = new HostMounts(launcher);
  const volumes = new Volumes({
    store: records.of<VolumeRecord>('volume'),
    folder: `${config.dataRoot}/volumes`,
    mounter: hostMounts,
    log,
    nowNs,
  });
  const parts: EngineParts = {
    options: {
      dataRoot: config.dataRoot,
      execRoot: config.execRoot,
      cgroupParent: config.cgroupParent,
      engineId: engineId(config.dataRoot),
    },
    settings,
    containers,
    live,
    attachments: createAttachments(),
    execs: createExecInstances(),
    preparedExecs: new Map(),
    restarts: createRestarts(),
    shipments,
    logCompressor,
    healthMonitors: new Map(),
    images,
    snapshots,
    networks,
    volumes,
    registry,
    runtime,
    hostMounts,
    facts,
    events,
    locks: new KeyedMutex(),
    log,
  };
  builder = new Builder({
    options: {
      dataRoot: config.dataRoot,
      execRoot: config.execRoot,
      cgroupParent: config.cgroupParent,
      cacheBudgetBytes: () => config.buildCacheBytes ?? tenthOfDisk(config.dataRoot),
    },
    records,
    images,
    layers: buildLayers,
    runtime,
    networks,
    facts,
    locks: new KeyedMutex(),
    log,
    seccomp: () => settings.current.seccomp,
  });
  // After the launcher, whose shims are not the daemon.
  if (config.oomScoreAdjust !== 0) setOomScore(config.oomScoreAdjust);
  const resources = undo.move();
  return {
    parts,
    builder,
    log,
    reconfigure: (next) => {
      registry.reconfigure(next.registry);
      settings.current = next.settings;
      level = next.logLevel;
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

/** compat: what BuildKit lets its cache have when nobody says. */
function tenthOfDisk(folder: string): number {
  const { blocks, bsize } = statfsSync(folder);
  return Math.trunc((blocks * bsize) / 10);
}

function setOomScore(score: number): void {
  try {
    writeFileSync('/proc/self/oom_score_adj', String(score));
  } catch (error) {
    throw errors.cannotSetOomScore(score, messageOf(error));
  }
}
