/** `DeviceRequests` (`--gpus`, `--device vendor.com/class=name`) → what the container's OCI config needs for them. */
import type { CdiEdits } from '#specs';
import type { DeviceRequest } from '../container-settings.ts';
import { errors } from '../errors.ts';
import type { EngineParts } from '../parts.ts';
import type { ContainerRecord } from '../container-record.ts';
import { readCdiDevices } from './cdi-devices.ts';
import { editsFor } from './inject.ts';

/** The one driver there is: others are programs of a vendor's, which describe their devices for this one by now. */
const CDI = 'cdi';

/**
 * Asked at each start, as the descriptions may have changed since the container was made. Throws
 * `container.noDeviceDriver` for a driver that is not there, `container.startFailed` for what CDI has no place for,
 * `container.cdi` for devices nobody describes.
 */
export async function deviceEdits(
  { settings, log }: Pick<EngineParts, 'settings' | 'log'>,
  record: ContainerRecord,
): Promise<CdiEdits[]> {
  const requests = record.settings.host.deviceRequests ?? [];
  if (requests.length === 0) return [];
  const folders = settings.current.cdiFolders;
  for (const request of requests) checkRequest(request, folders);
  const known = await readCdiDevices(folders);
  try {
    return requests.flatMap(({ deviceIds }) => editsFor(deviceIds, known));
  } catch (error) {
    if (known.problems.length > 0) {
      log.warn('descriptions of devices could not be read', { problems: known.problems.join('; ') });
    }
    throw error;
  }
}

/** compat: the driver of a name is asked, and that of no name by what it can do; no driver of that kind is there. */
function checkRequest({ driver, capabilities, count, options }: DeviceRequest, folders: readonly string[]): void {
  if (driver !== CDI || folders.length === 0) throw errors.noDeviceDriver(driver, capabilities);
  if (count !== 0) throw errors.startFailed('unexpected count in CDI device request');
  if (Object.keys(options ?? {}).length > 0) throw errors.startFailed('unexpected options in CDI device request');
}
