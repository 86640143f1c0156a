/** From a record to a running process: what the runtime is told of a container, and what is made ready on the host. */
import { mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { messageOf } from '#base';
import type { WritableLayer } from '#images';
import { readRootFile } from '#linux';
import { attachToShim, type LaunchRequest, type ResolvedUser, type RunningProcess, resolveUser } from '#runtime';
import { type CdiEdits, formatJson64, type RuntimeConfig } from '#specs';
import { deviceEdits } from '../cdi/device-requests.ts';
import { applyEdits } from '../cdi/inject.ts';
import type { ContainerRecord } from '../container-record.ts';
import { errors } from '../errors.ts';
import { type LaunchNote, writeLaunchNote } from '../launch-note.ts';
import { checkLinks, linkedHosts } from '../links.ts';
import { fileAttributes } from '../log-drivers/attributes.ts';
import { managedFiles, writeManagedFiles } from '../managed-files.ts';
import { attachNetworks, type NetworkPlace, serveNames } from '../networking.ts';
import { releaseVolumes, useVolumes } from '../mounts/container-volumes.ts';
import { mountPointsOf, volumePointsOf } from '../mounts/mount-point.ts';
import { sourceFolders } from '../mounts/oci-mounts.ts';
import { toOciConfig } from '../oci-config.ts';
import { cgroupsPathOf, type EngineParts, logPathOf, runDirectoryOf } from '../parts.ts';
import { runsInit } from '../program.ts';
import { programFor } from '../runtimes.ts';
import {
  mountSharedMemory,
  type SharedNamespaces,
  sharedNamespaces,
  unmountSharedMemory,
} from '../shared-namespaces.ts';
import { seccompChoice } from '../security-options.ts';

export interface Launched extends LaunchNote {
  readonly process: RunningProcess;
}

/** Launches the record's program. When it fails, nothing of the attempt is left. */
export async function launch(parts: EngineParts, record: ContainerRecord): Promise<Launched> {
  const { options, runtime } = parts;
  const { id } = record;
  const runDirectory = runDirectoryOf(options, id);
  const program = programFor(parts, record);
  const maker = program ? runtime.foreign(program) : runtime;
  const devices = await deviceEdits(parts, record);
  rmSync(runDirectory, { recursive: true, force: true });
  const held = parts.attachments.has(id);
  let place: NetworkPlace | undefined;
  await useVolumes(parts, record);
  try {
    prepareSources(parts, record);
    checkLinks(parts, record);
    const shared = sharedNamespaces(parts, record);
    await mountSharedMemory(parts, record);
    place = await attachNetworks(parts, record);
    const links = linkedHosts(parts, record);
    writeManagedFiles({ record, runDirectory, networks: parts.networks, links, ...place });
    const waits = held || place.state?.nameServicePort !== undefined;
    const request = launchRequest(parts, record, { hold: waits, devices, shared, ...place });
    const note = { ...(place.state ? { network: place.state } : {}), ...(program ? { program } : {}) };
    writeLaunchNote(runDirectory, note);
    writeConfigForHooks(request);
    const process = await maker.launch({
      ...request,
      // Its names have to be served first, where they are. Who comes while one is made that nobody waited for is connected when it runs.
      ...(waits && place.state?.nameServicePort === undefined
        ? { onShim: () => parts.attachments.connectEarly(id, attachToShim.bind(undefined, runDirectory)) }
        : {}),
    });
    if (place.state) await serveNames(parts, record, process.pid, place.state);
    if (waits) await parts.attachments.connectAndRelease(id, process);
    return { process, ...note };
  } catch (error) {
    if (place?.state) parts.networks.release(id, place.state);
    await maker.forget(id, runDirectory);
    await runtime.removeCgroup(cgroupsPathOf(options, record));
    rmSync(runDirectory, { recursive: true, force: true });
    await unmountSharedMemory(parts, record);
    await releaseVolumes(parts, record);
    throw error;
  }
}

/** Everything the runtime is told of a container. Reads the container's files, makes nothing. */
export function launchRequest(
  parts: EngineParts,
  record: ContainerRecord,
  {
    hold,
    devices,
    shared,
    setup,
    namespacePath,
    filesOf,
  }: Pick<NetworkPlace, 'setup' | 'namespacePath' | 'filesOf'> & {
    readonly hold: boolean;
    readonly devices: readonly CdiEdits[];
    readonly shared: SharedNamespaces;
  },
): LaunchRequest {
  const { options, runtime, facts } = parts;
  const { settings, id } = record;
  const runDirectory = runDirectoryOf(options, id);
  const layer = parts.snapshots.open(id, record.imageId);
  const user = resolveRecordUser(record, layer.folders);
  const volumePath = (name: string): string => parts.volumes.pathOf(name);
  const config = toOciConfig({
    record,
    user,
    facts,
    cgroupVersion: runtime.cgroupVersion,
    cgroupsPath: cgroupsPathOf(options, record),
    managedFiles: managedFiles(filesOf === undefined ? runDirectory : runDirectoryOf(options, filesOf)),
    mountSources: { volumePath, imageOptions: (imageId) => parts.snapshots.imageOptions(imageId) },
    ...(namespacePath === undefined ? {} : { networkNamespace: namespacePath }),
    shared,
    initProgram: settings.host.initPath ?? runtime.helperProgram,
  });
  return {
    id,
    ...rootOf(applyEdits(config, devices), layer, `${options.execRoot}/rootfs`),
    sourceFolders: sourceFolders(record, { volumePath }),
    runDirectory,
    ...(setup ? { network: setup } : {}),
    seccomp: seccompChoice(settings.host, parts.settings.current.seccomp),
    home: user.home,
    makeCwd: { uid: 0, gid: 0 },
    stdin: settings.openStdin,
    stdinOnce: settings.stdinOnce,
    isInit: runsInit(settings.host) && settings.host.initPath === undefined,
    ...logOf(parts, record),
    linger: !keepsOthersBusy(parts, record),
    hold,
  };
}

/**
 * Hooks read the bundle's config, where the container's root is named. Our own runtime needs no such file; the other runtimes
 * have theirs.
 */
function writeConfigForHooks({ config, overlay, runDirectory }: LaunchRequest): void {
  if (config.hooks === undefined) return;
  const root = overlay ? { ...config.root, path: overlay.target } : config.root;
  writeFileSync(`${runDirectory}/config.json`, formatJson64({ ...config, root }), { mode: 0o600 });
}

/** The root: an overlay, or a folder that is named in the config. */
function rootOf(
  config: RuntimeConfig,
  layer: WritableLayer,
  target: string,
): Pick<LaunchRequest, 'config'> & Partial<Pick<LaunchRequest, 'overlay'>> {
  if (layer.kind === 'overlay') return { config, overlay: { target, options: layer.overlayOptions } };
  return { config: { ...config, root: { ...config.root, path: layer.folder } } };
}

/** The user of the container's own files. Throws when there is no such user or group. */
export function resolveRecordUser(
  record: ContainerRecord,
  folders: readonly string[],
  user = record.program.user,
): ResolvedUser {
  const files = {
    passwd: readRootFile(folders, '/etc/passwd') ?? '',
    group: readRootFile(folders, '/etc/group') ?? '',
  };
  return resolveUser(user, files, record.settings.host.groupAdd);
}

/** A bind, and what is mounted for a volume, keep the user's own file system busy: they are let go of at once. */
function keepsOthersBusy({ volumes }: EngineParts, record: ContainerRecord): boolean {
  const isBind = mountPointsOf(record).some(({ setting }) => setting.type === 'bind');
  return isBind || volumePointsOf(record).some(({ name }) => volumes.isMount(name));
}

/** compat: `-v` makes a missing source folder, `--mount` refuses it. */
function prepareSources({ volumes }: EngineParts, record: ContainerRecord): void {
  for (const { setting } of mountPointsOf(record)) {
    if (setting.type !== 'bind' || statSync(setting.source, { throwIfNoEntry: false })) continue;
    if (!setting.createSource) throw errors.noMountSource(setting.source);
    mkdirSync(setting.source, { recursive: true });
  }
  for (const { setting, name } of volumePointsOf(record)) {
    if (setting.subpath === '') continue;
    try {
      statSync(`${volumes.pathOf(name)}/${setting.subpath}`);
    } catch (error) {
      throw errors.noSubpath(name, setting.subpath, messageOf(error));
    }
  }
}

function logOf({ options }: EngineParts, record: ContainerRecord): Pick<LaunchRequest, 'log'> {
  const { log } = record.settings.host;
  if (log.driver === 'none') return {};
  const attributes = log.driver === 'json-file' ? fileAttributes(record, log.options) : {};
  return {
    log: {
      path: logPathOf(options, record.id),
      maxBytes: log.maxSizeBytes,
      maxFiles: log.maxFiles,
      isCompressed: log.isCompressed === true,
      attributes: Object.keys(attributes).length === 0 ? '' : `,"attrs":${JSON.stringify(attributes)}`,
    },
  };
}
