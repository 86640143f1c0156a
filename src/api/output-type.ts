/** What a container's output is called on its way to a client. */
import { minorVersion } from './version.ts';

/** compat: before 1.42 frames and plain bytes had the same name. */
export function outputType(isRaw: boolean, url: URL): string {
  return isRaw || minorVersion(url) < 42
    ? 'application/vnd.docker.raw-stream'
    : 'application/vnd.docker.multiplexed-stream';
}
