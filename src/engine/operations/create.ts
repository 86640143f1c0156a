/** Makes a container: its record and its writable layer. Nothing runs yet. */
import { existsSync } from 'node:fs';
import { formatTimeNs, newContainerId, nowNs } from '#base';
import { hostPlatform, type ImageRecord } from '#images';
import { formatPlatform, type Platform, platformFits } from '#specs';
import { kernelAtLeast } from '#linux';
import { Volumes } from '#volumes';
import { tweakCapabilities } from '../capabilities.ts';
import type { ContainerRecord } from '../container-record.ts';
import type { ContainerSettings, HostSettings } from '../container-settings.ts';
import { errors } from '../errors.ts';
import { makeVolumes } from '../mounts/make-volumes.ts';
import { mountPointsOf, mountSettingsOf, resolveMounts } from '../mounts/mount-point.ts';
import type { BindSetting, MountPoint } from '../mounts/mount-setting.ts';
import { checkHealthcheck } from '../health/healthcheck.ts';
import { generateName, isValidName } from '../names.ts';
import { settleNetworking } from '../networking.ts';
import { type EngineParts, eventAttributes } from '../parts.ts';
import { resolveProgram } from '../program.ts';
import { checkResources, withoutVainWeights } from '../resources.ts';
import { noRestart } from '../restart-policy.ts';
import { settleRuntime } from '../runtimes.ts';
import { checkSecurityOptions } from '../security-options.ts';
import { settleSharedNamespaces } from '../shared-namespaces.ts';
import { parseSignal } from '../signals.ts';

export interface CreateOptions {
  /** Empty: one is made up. */
  readonly name: string;
  /** What the image has to be for; undefined: whatever it is for. */
  readonly platform?: Platform;
}

export interface Created {
  readonly record: ContainerRecord;
  readonly warnings: readonly string[];
}

/**
 * Throws `container.nameTaken`, `container.badName`, `image.noSuch`, `image.otherPlatform` and what makes the settings
 * impossible.
 */
export async function createContainer(
  parts: EngineParts,
  wished: ContainerSettings,
  { name: wishedName, platform }: CreateOptions,
): Promise<Created> {
  const name = wishedName.replace(/^\//, '');
  if (wishedName !== '' && !isValidName(wishedName)) throw errors.badName(wishedName);
  const runtime = settleRuntime(parts.settings.current, wished.host.runtime ?? '');
  const settled = settleNetworking(parts, { ...wished, host: { ...wished.host, runtime } });
  const { settings, discarded } = withKernel(parts, settleSharedNamespaces(parts, settled));
  if (settings.image === '') throw errors.invalid('no image was given for the container');
  const found = await parts.images.find(settings.image);
  if (!found) throw errors.noSuchImage(settings.image);
  const image = platform ? await parts.images.forPlatform(settings.image, platform) : found;
  checkSettings(parts, settings);
  if (settings.healthcheck) checkHealthcheck(settings.healthcheck);

  const id = newContainerId();
  const program = resolveProgram(id, settings, image.config);
  const mounts = await settleMounts(parts, settings, program.volumes ?? []);
  parseSignal(program.stopSignal);
  const record: ContainerRecord = {
    version: 1,
    id,
    name: name === '' ? generateName((each) => parts.containers.find(each) !== undefined) : name,
    createdAt: formatTimeNs(nowNs()),
    imageId: image.id,
    settings,
    program,
    ...(mounts.length > 0 ? { mounts } : {}),
    status: 'created',
    restartCount: 0,
    error: '',
    stoppedByUser: false,
  };
  const holder = parts.containers.find(record.name);
  if (holder !== undefined && holder !== 'ambiguous' && holder.name === record.name) {
    throw errors.nameTaken(record.name, holder.id);
  }
  const makesVolumes = mounts.some(({ setting, borrowed }) => setting.type === 'volume' && borrowed !== true);
  parts.containers.put(makesVolumes ? { ...record, unfinished: true } : record);
  // Nobody starts or removes it before it is whole.
  await parts.locks.run(id, async () => {
    try {
      await parts.snapshots.create(id, image.id, sizeLimitOf(settings.host));
      if (makesVolumes) await makeVolumes(parts, record);
    } catch (error) {
      await parts.snapshots.remove(id);
      parts.containers.delete(id);
      throw error;
    }
    if (makesVolumes) parts.containers.put(record);
  });
  parts.events.emit('container', 'create', id, eventAttributes(record));
  return { record, warnings: [...discarded, ...(platform ? [] : platformWarnings(image))] };
}

/** Without limits the kernel would not go by, and what is said of them. */
function withKernel(
  { runtime }: EngineParts,
  settings: ContainerSettings,
): { readonly settings: ContainerSettings; readonly discarded: readonly string[] } {
  const { resources, warnings } = withoutVainWeights(settings.host.resources, runtime.cgroupVersion);
  return { settings: { ...settings, host: { ...settings.host, resources } }, discarded: warnings };
}

/** compat: an image of another platform is taken when nobody asked for one, and the user is told. */
function platformWarnings({ platform }: ImageRecord): string[] {
  const host = hostPlatform();
  if (platformFits(platform, host)) return [];
  return [
    `The requested image's platform (${formatPlatform(platform)}) does not match the detected host platform (${formatPlatform(host)}) and no specific platform was requested`,
  ];
}

/** What the writable layer is made with. */
export function sizeLimitOf({ storageBytes }: Pick<HostSettings, 'storageBytes'>): { sizeLimitBytes?: number } {
  return storageBytes === undefined ? {} : { sizeLimitBytes: storageBytes };
}

function checkSettings(parts: EngineParts, { host }: ContainerSettings): void {
  checkResources(host.resources, parts.facts.cpus);
  tweakCapabilities(host.capAdd, host.capDrop, host.privileged, parts.facts.boundingCapabilities);
  if (host.autoRemove && (host.restart ?? noRestart).name !== 'no') {
    throw errors.invalid("can't create 'AutoRemove' container with restart policy");
  }
  checkSecurityOptions(host.securityOptions);
  if (host.oomScoreAdj < -1000 || host.oomScoreAdj > 1000) {
    throw errors.invalid(`Invalid value ${host.oomScoreAdj}, range for oom score adj is [-1000, 1000]`);
  }
}

/** Throws what `resolveMounts` refuses, and `container.noMountSource`. */
async function settleMounts(
  parts: EngineParts,
  { host }: ContainerSettings,
  volumes: readonly string[],
): Promise<MountPoint[]> {
  const settings = mountSettingsOf(host);
  const images = new Map<string, string>();
  for (const setting of settings) {
    if (setting.type === 'bind') checkBind(parts, setting);
    if (setting.type !== 'image') continue;
    const image = await parts.images.find(setting.image);
    if (!image) throw errors.noSuchImage(setting.image);
    // Refused now where the storage driver has none.
    parts.snapshots.imageOptions(image.id);
    images.set(setting.image, image.id);
  }
  return resolveMounts({
    host,
    settings,
    volumes,
    dataRoot: parts.options.dataRoot,
    mountsOf: (container) => {
      const found = parts.containers.find(container);
      return found === undefined || found === 'ambiguous' ? undefined : mountPointsOf(found);
    },
    imageId: (reference) => images.get(reference)!,
    newVolumeName: Volumes.newName,
  });
}

function checkBind({ facts }: EngineParts, { source, createSource, recursion }: BindSetting): void {
  if (recursion === 'readonly' && !kernelAtLeast(facts, 5, 12)) {
    throw errors.notSupported('a recursive read-only bind', 'it needs Linux 5.12 or newer');
  }
  if (!createSource && !existsSync(source)) throw errors.noMountSource(source);
}
