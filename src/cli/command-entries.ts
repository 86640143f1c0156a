/** Every command there is, with what help says of it; where it stands is in the tree. Files are loaded when their command runs. */
import type { CommandEntry } from './command-entry.ts';

export const attach: CommandEntry = {
  summary: "Connect this terminal to a running container's main process",
  load: async () => (await import('./commands/attach.ts')).attach,
};
export const build: CommandEntry = {
  summary: 'Build an image from a Dockerfile',
  load: async () => (await import('./commands/build.ts')).build,
};
export const builderDu: CommandEntry = {
  summary: 'Show what builds keep for the next',
  load: async () => (await import('./commands/builder-du.ts')).builderDu,
};
export const builderPrune: CommandEntry = {
  summary: 'Remove what builds keep for the next',
  load: async () => (await import('./commands/builder-prune.ts')).builderPrune,
};
export const create: CommandEntry = {
  summary: 'Make a container without starting it',
  load: async () => (await import('./commands/create.ts')).create,
};
export const debug: CommandEntry = {
  summary: 'Open a shell in the state before the step of a build that failed last',
  load: async () => (await import('./commands/debug.ts')).debug,
};
export const exec: CommandEntry = {
  summary: 'Run one more program in a running container',
  load: async () => (await import('./commands/exec.ts')).exec,
};
export const inspect: CommandEntry = {
  summary: 'Show all there is to know about containers and images',
  load: async () => (await import('./commands/inspect.ts')).inspect,
};
export const inspectContainers: CommandEntry = {
  summary: 'Show all there is to know about containers',
  load: async () => (await import('./commands/inspect.ts')).inspectContainers,
};
export const inspectImages: CommandEntry = {
  summary: 'Show all there is to know about images',
  load: async () => (await import('./commands/inspect.ts')).inspectImages,
};
export const kill: CommandEntry = {
  summary: 'Send a signal to containers (SIGKILL unless another is named)',
  load: async () => (await import('./commands/kill.ts')).kill,
};
export const logs: CommandEntry = {
  summary: 'Show what a container has written',
  load: async () => (await import('./commands/logs.ts')).logs,
};
export const ps: CommandEntry = {
  summary: 'List containers',
  load: async () => (await import('./commands/ps.ts')).ps,
};
export const pause: CommandEntry = {
  summary: 'Freeze all processes of containers',
  load: async () => (await import('./commands/pause.ts')).pause,
};
export const rename: CommandEntry = {
  summary: 'Give a container another name',
  load: async () => (await import('./commands/rename.ts')).rename,
};
export const restart: CommandEntry = {
  summary: 'Stop containers and start them again',
  load: async () => (await import('./commands/restart.ts')).restart,
};
export const rm: CommandEntry = {
  summary: 'Remove containers',
  load: async () => (await import('./commands/rm.ts')).rm,
};
export const run: CommandEntry = {
  summary: 'Make a container from an image and run it',
  load: async () => (await import('./commands/run.ts')).run,
};
export const start: CommandEntry = {
  summary: 'Start containers that are stopped',
  load: async () => (await import('./commands/start.ts')).start,
};
export const stop: CommandEntry = {
  summary: 'Ask containers to end, and end them when they do not',
  load: async () => (await import('./commands/stop.ts')).stop,
};
export const top: CommandEntry = {
  summary: 'List the processes of a container',
  load: async () => (await import('./commands/top.ts')).top,
};
export const unpause: CommandEntry = {
  summary: 'Let frozen containers go on',
  load: async () => (await import('./commands/unpause.ts')).unpause,
};
export const update: CommandEntry = {
  summary: 'Change the limits of containers, running ones too',
  load: async () => (await import('./commands/update.ts')).update,
};
export const wait: CommandEntry = {
  summary: 'Wait for containers to end and print their exit codes',
  load: async () => (await import('./commands/wait.ts')).wait,
};
export const images: CommandEntry = {
  summary: 'List images',
  load: async () => (await import('./commands/images.ts')).images,
};
export const importImage: CommandEntry = {
  summary: 'Make an image from a tar of a root file system',
  load: async () => (await import('./commands/import.ts')).importImage,
};
export const rmi: CommandEntry = {
  summary: 'Remove images',
  load: async () => (await import('./commands/rmi.ts')).rmi,
};
export const commit: CommandEntry = {
  summary: 'Make an image of what a container has changed',
  load: async () => (await import('./commands/commit.ts')).commit,
};
export const containerPrune: CommandEntry = {
  summary: 'Remove all containers that do not run',
  load: async () => (await import('./commands/container-prune.ts')).containerPrune,
};
export const port: CommandEntry = {
  summary: "List a container's published ports",
  load: async () => (await import('./commands/port.ts')).port,
};
export const stats: CommandEntry = {
  summary: 'Show what containers use',
  load: async () => (await import('./commands/stats.ts')).stats,
};
export const cp: CommandEntry = {
  summary: 'Copy files between a container and this machine',
  load: async () => (await import('./commands/cp.ts')).cp,
};
export const diff: CommandEntry = {
  summary: "List what a container has changed in its image's file system",
  load: async () => (await import('./commands/diff.ts')).diff,
};
export const exportContainer: CommandEntry = {
  summary: "Pack a container's whole file system as a tar",
  load: async () => (await import('./commands/export.ts')).exportContainer,
};
export const history: CommandEntry = {
  summary: 'Show how an image came to be',
  load: async () => (await import('./commands/history.ts')).history,
};
export const load: CommandEntry = {
  summary: 'Take images out of an archive',
  load: async () => (await import('./commands/load.ts')).load,
};
export const pull: CommandEntry = {
  summary: 'Get an image from a registry',
  load: async () => (await import('./commands/pull.ts')).pull,
};
export const push: CommandEntry = {
  summary: 'Give an image to a registry',
  load: async () => (await import('./commands/push.ts')).push,
};
export const save: CommandEntry = {
  summary: 'Put images into an archive',
  load: async () => (await import('./commands/save.ts')).save,
};
export const tag: CommandEntry = {
  summary: 'Give an image one more name',
  load: async () => (await import('./commands/tag.ts')).tag,
};
export const imagePrune: CommandEntry = {
  summary: 'Remove images nobody needs',
  load: async () => (await import('./commands/image-prune.ts')).imagePrune,
};
export const networkConnect: CommandEntry = {
  summary: 'Connect a container to a network',
  load: async () => (await import('./commands/network-connect.ts')).networkConnect,
};
export const networkCreate: CommandEntry = {
  summary: 'Make a network',
  load: async () => (await import('./commands/network-create.ts')).networkCreate,
};
export const networkDisconnect: CommandEntry = {
  summary: 'Disconnect a container from a network',
  load: async () => (await import('./commands/network-disconnect.ts')).networkDisconnect,
};
export const networkLs: CommandEntry = {
  summary: 'List networks',
  load: async () => (await import('./commands/network-ls.ts')).networkLs,
};
export const networkPrune: CommandEntry = {
  summary: 'Remove all networks no container is on',
  load: async () => (await import('./commands/network-prune.ts')).networkPrune,
};
export const networkRm: CommandEntry = {
  summary: 'Remove networks',
  load: async () => (await import('./commands/network-rm.ts')).networkRm,
};
export const inspectNetworks: CommandEntry = {
  summary: 'Show all there is to know about networks',
  load: async () => (await import('./commands/inspect.ts')).inspectNetworks,
};
export const volumeCreate: CommandEntry = {
  summary: 'Make a volume',
  load: async () => (await import('./commands/volume-create.ts')).volumeCreate,
};
export const volumeLs: CommandEntry = {
  summary: 'List volumes',
  load: async () => (await import('./commands/volume-ls.ts')).volumeLs,
};
export const volumePrune: CommandEntry = {
  summary: 'Remove volumes no container has',
  load: async () => (await import('./commands/volume-prune.ts')).volumePrune,
};
export const volumeRm: CommandEntry = {
  summary: 'Remove volumes with all that is in them',
  load: async () => (await import('./commands/volume-rm.ts')).volumeRm,
};
export const volumeClone: CommandEntry = {
  summary: 'Make a volume with what another has',
  load: async () => (await import('./commands/volume-copy.ts')).volumeClone,
};
export const volumeSnapshot: CommandEntry = {
  summary: 'Keep what a volume has now as another volume',
  load: async () => (await import('./commands/volume-copy.ts')).volumeSnapshot,
};
export const volumeRename: CommandEntry = {
  summary: 'Give a volume another name',
  load: async () => (await import('./commands/volume-rename.ts')).volumeRename,
};
export const volumeUpdate: CommandEntry = {
  summary: 'Change a volume of a swarm, which there is none of here',
  load: async () => (await import('./commands/volume-update.ts')).volumeUpdate,
};
export const inspectVolumes: CommandEntry = {
  summary: 'Show all there is to know about volumes',
  load: async () => (await import('./commands/inspect.ts')).inspectVolumes,
};
export const systemDf: CommandEntry = {
  summary: 'Show what takes space on the disk',
  load: async () => (await import('./commands/system-df.ts')).systemDf,
};
export const systemFsck: CommandEntry = {
  summary: 'Compare the records of images with the disk',
  load: async () => (await import('./commands/system-fsck.ts')).systemFsck,
};
export const systemInstall: CommandEntry = {
  summary: 'Have systemd start the daemon: units, socket, and a group that may use it',
  load: async () => (await import('./commands/system-install.ts')).systemInstall,
};
export const systemPrune: CommandEntry = {
  summary: 'Remove what nothing uses',
  load: async () => (await import('./commands/system-prune.ts')).systemPrune,
};
export const systemUninstall: CommandEntry = {
  summary: 'Take back what install did; data and the group stay',
  load: async () => (await import('./commands/system-install.ts')).systemUninstall,
};
export const dialStdio: CommandEntry = {
  summary: 'Join stdin and stdout with the connection to the daemon',
  load: async () => (await import('./commands/system-dial-stdio.ts')).systemDialStdio,
};
export const events: CommandEntry = {
  summary: 'Show what happens, as it happens',
  load: async () => (await import('./commands/events.ts')).events,
};
export const info: CommandEntry = {
  summary: 'Describe the daemon and its host',
  load: async () => (await import('./commands/info.ts')).info,
};
export const version: CommandEntry = {
  summary: "Show the client's and the daemon's versions",
  load: async () => (await import('./commands/version.ts')).version,
};
export const login: CommandEntry = {
  summary: 'Log in to a registry',
  load: async () => (await import('./commands/login.ts')).login,
};
export const logout: CommandEntry = {
  summary: 'Log out from a registry',
  load: async () => (await import('./commands/logout.ts')).logout,
};
export const search: CommandEntry = {
  summary: 'Search Docker Hub for images',
  load: async () => (await import('./commands/search.ts')).search,
};
export const manifestInspect: CommandEntry = {
  summary: "Show an image's manifest or index as its registry has it",
  load: async () => (await import('./commands/manifest-inspect.ts')).manifestInspect,
};
export const plan: CommandEntry = {
  summary: 'Print the kernel operations that start a container',
  load: async () => (await import('./commands/debug-plan.ts')).debugPlan,
};
