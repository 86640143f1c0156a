/**
 * What git is told for one repository: its whole configuration file, and the command for SSH. Pure.
 *
 * Secrets are in a file of the run folder, closed to others, and never in arguments, which everybody on the host sees.
 */

export interface GitSecrets {
  /** The value of an Authorization header. */
  readonly header: string | undefined;
  /** As the password of `x-access-token`, as forges take it. */
  readonly token: string | undefined;
}

/** The text of `.gitconfig`; the header goes to the host of the URL alone. */
export function gitConfig(url: string, { header, token }: GitSecrets): string {
  const authorization =
    header ?? (token === undefined ? undefined : `Basic ${Buffer.from(`x-access-token:${token}`).toString('base64')}`);
  const origin = originOf(url);
  const extra =
    authorization === undefined || origin === undefined
      ? []
      : [`[http ${quoted(`${origin}/`)}]`, `\textraHeader = ${quoted(`Authorization: ${authorization}`)}`];
  return [
    '[core]',
    '\thooksPath = /dev/null',
    '\tfsmonitor = false',
    '\tautocrlf = false',
    '[init]',
    '\tdefaultBranch = main',
    '[credential]',
    '\thelper =',
    '[gc]',
    '\tauto = 0',
    '[advice]',
    '\tdetachedHead = false',
    '[safe]',
    '\tdirectory = *',
    ...extra,
    '',
  ].join('\n');
}

/** Names under which secrets are looked for, the nearest first. */
export function secretNames(kind: 'GIT_AUTH_TOKEN' | 'GIT_AUTH_HEADER', url: string): string[] {
  const parsed = URL.parse(url);
  const hosts = parsed ? [...new Set([parsed.host, parsed.hostname])].filter((host) => host !== '') : [];
  return [...hosts.map((host) => `${kind}.${host}`), kind];
}

/** Whether SSH is the way to it: `ssh://…`, `user@host:path`. */
export const isSshUrl = (url: string): boolean => /^ssh:\/\//i.test(url) || !/^[a-z]+:\/\//i.test(url);

/**
 * `knownHosts`: where keys of hosts are noted for the time of a fetch; hosts the system knows have to have the key it knows.
 * No settings and no keys of the daemon's user: only the agent's.
 */
export function sshCommand(knownHosts: string): string {
  const options = [
    'BatchMode=yes',
    'StrictHostKeyChecking=accept-new',
    `UserKnownHostsFile=${knownHosts}`,
    'IdentityFile=none',
    'ForwardAgent=no',
    'ConnectTimeout=30',
  ];
  return ['ssh', '-F', '/dev/null', ...options.flatMap((option) => ['-o', option])].join(' ');
}

/** Without a user's name and password. */
export function withoutCredentials(url: string): string {
  const parsed = /^https?:/i.test(url) ? URL.parse(url) : null;
  if (!parsed || (parsed.username === '' && parsed.password === '')) return url;
  parsed.username = '';
  parsed.password = '';
  return parsed.href;
}

function originOf(url: string): string | undefined {
  const parsed = URL.parse(url);
  return parsed && /^https?:$/.test(parsed.protocol) ? `${parsed.protocol}//${parsed.host}` : undefined;
}

/** spec: git-config(1), "Syntax": in quotes only `"` and `\` have to be escaped; a line ends a value. */
function quoted(text: string): string {
  return `"${text.replaceAll(/[\r\n\0]/g, '').replaceAll(/["\\]/g, '\\$&')}"`;
}
