/** Makes a container: its record and its writable layer. Nothing runs yet. */
import { availableParallelism } from 'node:os';
import { formatTimeNs, newContainerId, nowNs } from '#base';
import { checkPlatform, hostPlatform, type ImageRecord } from '#images';
import { formatPlatform, type Platform, platformFits } from '#specs';
import { tweakCapabilities } from '../capabilities.ts';
import type { ContainerRecord } from '../container-record.ts';
import type { ContainerSettings, HostSettings } from '../container-settings.ts';
import { errors } from '../errors.ts';
import { checkHealthcheck } from '../health/healthcheck.ts';
import { generateName, isValidName } from '../names.ts';
import { settleNetworking } from '../networking.ts';
import { type EngineParts, eventAttributes } from '../parts.ts';
import { resolveProgram } from '../program.ts';
import { checkResources } from '../resources.ts';
import { noRestart } from '../restart-policy.ts';
import { checkSecurityOptions } from '../security-options.ts';
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
  const settings = settleNetworking(parts, wished);
  if (settings.image === '') throw errors.invalid('no image was given for the container');
  const image = await parts.images.find(settings.image);
  if (!image) throw errors.noSuchImage(settings.image);
  if (platform) checkPlatform(image, settings.image, platform);
  checkSettings(parts, settings);
  if (settings.healthcheck) checkHealthcheck(settings.healthcheck);

  const id = newContainerId();
  const program = resolveProgram(id, settings, image.config);
  parseSignal(program.stopSignal);
  const record: ContainerRecord = {
    version: 1,
    id,
    name: name === '' ? generateName((each) => parts.containers.find(each) !== undefined) : name,
    createdAt: formatTimeNs(nowNs()),
    imageId: image.id,
    settings,
    program,
    status: 'created',
    restartCount: 0,
    error: '',
    stoppedByUser: false,
  };
  const holder = parts.containers.find(record.name);
  if (holder !== undefined && holder !== 'ambiguous' && holder.name === record.name) {
    throw errors.nameTaken(record.name, holder.id);
  }
  parts.containers.put(record);
  try {
    await parts.snapshots.create(id, image.id, sizeLimitOf(settings.host));
  } catch (error) {
    parts.containers.delete(id);
    throw error;
  }
  parts.events.emit('container', 'create', id, eventAttributes(record));
  return { record, warnings: platform ? [] : platformWarnings(image) };
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
  checkResources(host.resources, availableParallelism());
  tweakCapabilities(host.capAdd, host.capDrop, host.privileged, parts.facts.boundingCapabilities);
  if (host.autoRemove && (host.restart ?? noRestart).name !== 'no') {
    throw errors.invalid("can't create 'AutoRemove' container with restart policy");
  }
  checkSecurityOptions(host.securityOptions);
  if (host.oomScoreAdj < -1000 || host.oomScoreAdj > 1000) {
    throw errors.invalid(`Invalid value ${host.oomScoreAdj}, range for oom score adj is [-1000, 1000]`);
  }
  const destinations = [...host.binds.map((bind) => bind.destination), ...Object.keys(host.tmpfs)];
  const twice = destinations.find((path, index) => destinations.indexOf(path) !== index);
  if (twice !== undefined) throw errors.invalid(`Duplicate mount point: ${twice}`);
}
