/** What a container's /etc/hosts says. compat: as dockerd writes it. */

const IPV6_HOSTS =
  '::1\tlocalhost ip6-localhost ip6-loopback\nfe00::\tip6-localnet\nff00::\tip6-mcastprefix\nff02::1\tip6-allnodes\nff02::2\tip6-allrouters\n';

export interface HostLine {
  readonly address: string;
  /** One or several, with spaces between them. */
  readonly names: string;
}

/** `extra` are the user's, `own` those of its interfaces. */
export function hostsFile(extra: readonly HostLine[], own: readonly HostLine[]): string {
  const lines = [...extra, ...own].map(({ address, names }) => `${address}\t${names}\n`);
  return `127.0.0.1\tlocalhost\n${IPV6_HOSTS}${lines.join('')}`;
}
