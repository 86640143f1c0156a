/** What the doctor looks at: this host, or a made-up one in tests. */
import { accessSync, constants, existsSync, readFileSync, statfsSync } from 'node:fs';
import { connect } from 'node:net';
import { release } from 'node:os';
import { dirname } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { messageOf } from '#base';
import { helperPath, overlayFault } from '#linux';

export interface HostView {
  readonly kernelRelease: string;
  readonly isRoot: boolean;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** A file's text; undefined when it is not there or may not be read. */
  read(path: string): string | undefined;
  exists(path: string): boolean;
  /** `CONFIG_…` lines the kernel was built with; empty when it does not tell. */
  kernelConfig(): string;
  /** Of the file system a path is on. */
  space(path: string): { readonly freeBytes: number; readonly freeFiles: number; readonly files: number };
  /** Why no overlay can be mounted below the folder; undefined when it can. */
  overlayFault(folder: string): string | undefined;
  /** Why the native helper cannot be used; undefined when it can. */
  helperFault(): string | undefined;
  /** Whether somebody listens: `open`, `closed`, or `forbidden`. */
  socket(path: string): Promise<'open' | 'closed' | 'forbidden'>;
}

export function thisHost(): HostView {
  return {
    kernelRelease: release(),
    isRoot: process.geteuid?.() === 0,
    environment: process.env,
    read: readIfThere,
    exists: existsSync,
    kernelConfig,
    space: (path) => {
      const { bavail, bsize, ffree, files } = statfsSync(path);
      return { freeBytes: bavail * bsize, freeFiles: ffree, files };
    },
    overlayFault: (folder) => {
      try {
        return overlayFault(folder, ['index=off']);
      } catch (error) {
        return messageOf(error);
      }
    },
    helperFault: () => {
      try {
        accessSync(helperPath(), constants.X_OK);
        return undefined;
      } catch (error) {
        return messageOf(error);
      }
    },
    socket: (path) =>
      new Promise((resolve) => {
        const socket = connect(path);
        socket.once('connect', () => {
          socket.destroy();
          resolve('open');
        });
        socket.once('error', (error: NodeJS.ErrnoException) =>
          resolve(error.code === 'EACCES' ? 'forbidden' : 'closed'),
        );
      }),
  };
}

/** The path itself, or the nearest folder above that is there. */
export function nearestFolder(host: Pick<HostView, 'exists'>, path: string): string {
  let at = path;
  while (at !== '/' && !host.exists(at)) at = dirname(at);
  return at;
}

function kernelConfig(): string {
  try {
    return gunzipSync(readFileSync('/proc/config.gz')).toString();
  } catch {
    return readIfThere(`/boot/config-${release()}`) ?? '';
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
