/**
 * What it takes to have the daemon on a host for good, as a list that can be printed: systemd's units, their links, a
 * group. Pure; ./perform.ts does it.
 */

export type Step =
  | { readonly kind: 'file'; readonly path: string; readonly content: string }
  | { readonly kind: 'link'; readonly path: string; readonly target: string }
  | { readonly kind: 'remove'; readonly path: string }
  | { readonly kind: 'run'; readonly command: readonly [string, ...string[]]; readonly optional?: true };

export interface InstallOptions {
  /** Where the package is on that host. */
  readonly packageRoot: string;
  /** Of the host that is installed on; `/` is this one. */
  readonly root: string;
  /** Whether systemd runs here, and can be told. */
  readonly live: boolean;
  readonly group: string;
}

/** In the first line of what we made, and may replace and remove. */
export const MARK = "# Made by 'skiff system install'";

const UNITS = '/etc/systemd/system';
const SERVICE = `${UNITS}/skiff.service`;
const SOCKET = `${UNITS}/skiff.socket`;
const SERVICE_LINK = `${UNITS}/multi-user.target.wants/skiff.service`;
const SOCKET_LINK = `${UNITS}/sockets.target.wants/skiff.socket`;

export function installSteps({ packageRoot, root, live, group }: InstallOptions): Step[] {
  const prefix = root === '/' ? [] : (['--prefix', root] as const);
  return [
    { kind: 'run', command: ['groupadd', '--system', '--force', ...prefix, group] },
    { kind: 'file', path: SOCKET, content: socketUnit(group) },
    { kind: 'file', path: SERVICE, content: serviceUnit(packageRoot) },
    { kind: 'link', path: SOCKET_LINK, target: SOCKET },
    { kind: 'link', path: SERVICE_LINK, target: SERVICE },
    ...(live ? runs(['systemctl', 'daemon-reload'], ['systemctl', 'start', 'skiff.socket']) : []),
  ];
}

/** Data and group stay: files may belong to it. */
export function uninstallSteps({ live }: Pick<InstallOptions, 'live'>): Step[] {
  const stop: Step = { kind: 'run', command: ['systemctl', 'stop', 'skiff.socket', 'skiff.service'], optional: true };
  return [
    ...(live ? [stop] : []),
    ...[SERVICE_LINK, SOCKET_LINK, SERVICE, SOCKET].map((path): Step => ({ kind: 'remove', path })),
    ...(live ? runs(['systemctl', 'daemon-reload']) : []),
  ];
}

const runs = (...commands: readonly (readonly [string, ...string[]])[]): Step[] =>
  commands.map((command) => ({ kind: 'run', command }));

function socketUnit(group: string): string {
  return `${MARK}
[Unit]
Description=Socket of the Skiff container daemon

[Socket]
ListenStream=/run/skiff.sock
SocketMode=0660
SocketUser=root
SocketGroup=${group}

[Install]
WantedBy=sockets.target
`;
}

/** KillMode: the shims of containers are not the daemon's to take along. */
function serviceUnit(packageRoot: string): string {
  return `${MARK}
[Unit]
Description=Skiff container daemon
Requires=skiff.socket
After=skiff.socket network-online.target
Wants=network-online.target

[Service]
Type=exec
ExecStart=${packageRoot}/bin/skiffd -H fd://
ExecReload=/bin/kill -s HUP $MAINPID
Restart=always
RestartSec=2
TimeoutStopSec=120
KillMode=process
Delegate=yes
LimitNOFILE=524288
LimitNPROC=infinity
LimitCORE=infinity
TasksMax=infinity
OOMScoreAdjust=-500

[Install]
WantedBy=multi-user.target
`;
}
