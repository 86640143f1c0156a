/** Which process has a port of the host, in words for people: looked up only to explain a refusal. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { PortProtocol } from './network-record.ts';

const LISTENING = '0A';

/** `nginx (pid 812)`, or `another program` where it cannot be seen. */
export function holderOfPort(protocol: PortProtocol, port: number): string {
  const inodes = new Set([`${protocol}`, `${protocol}6`].flatMap((table) => inodesIn(table, protocol, port)));
  if (inodes.size === 0) return 'another program';
  for (const pid of readFolder('/proc').filter((name) => /^\d+$/.test(name))) {
    const holds = readFolder(`/proc/${pid}/fd`).some((fd) => {
      const inode = /^socket:\[(\d+)\]$/.exec(readLink(`/proc/${pid}/fd/${fd}`))?.[1];
      return inode !== undefined && inodes.has(inode);
    });
    if (holds) return `${readText(`/proc/${pid}/comm`).trim()} (pid ${pid})`;
  }
  return 'another program';
}

/** Lines of /proc/net/tcp and its kin: `0: 0100007F:1F90 00000000:0000 0A … uid timeout inode`. */
function inodesIn(table: string, protocol: PortProtocol, port: number): string[] {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return readText(`/proc/net/${table}`)
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local = '', , state]) => local.endsWith(wanted) && (protocol !== 'tcp' || state === LISTENING))
    .flatMap((fields) => fields[9] ?? []);
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function readFolder(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function readLink(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
