/** Containers and their lives. */
export { readCdiDevices } from './cdi/cdi-devices.ts';
export { createAttachments } from './attachments.ts';
export { type ContainerRecord, type Containers, openContainers } from './container-record.ts';
export {
  type ContainerDefaults,
  type DaemonSettings,
  defaultSettings,
  type SettingsCell,
} from './daemon-settings.ts';
export { stopAllMonitors } from './health/monitor.ts';
export type { HealthMonitors } from './health/monitors.ts';
export type {
  ContainerSettings,
  DeviceRate,
  DeviceRequest,
  DeviceSetting,
  HostSettings,
  LogSettings,
  NetworkingSettings,
  PortBinding,
  ResourceSettings,
} from './container-settings.ts';
export type {
  AskedIdMaps,
  BindRecursion,
  BindSetting,
  ImageSetting,
  MountSetting,
  TmpfsSetting,
  VolumeSetting,
} from './mounts/mount-setting.ts';
export { parseIdMaps } from './mounts/id-map.ts';
export { cleanPath, holdersOf, volumePointsOf } from './mounts/mount-point.ts';
export { createEvents, type EngineEvent, type Events } from './events.ts';
export { createExecInstances, type ExecInstance, type ExecSettings } from './exec-instances.ts';
export { inspectContainer, summarizeContainer } from './inspect.ts';
export { removeLink } from './links.ts';
export { hasLabel, type ListQuery, listContainers, listFilters } from './list.ts';
export { isRuntime, OWN_RUNTIME, ownName } from './runtimes.ts';
export { isLogReadable, logDriverNames, parseLogSettings } from './log-drivers/options.ts';
export { LogCompressor } from './log-drivers/log-compressor.ts';
export { Shipments } from './log-drivers/shipments.ts';
export type { ShippedMark } from './log-drivers/shipper.ts';
export type { LogLine } from './log-lines.ts';
export type { LogMark } from '#runtime';
export { type LogQuery, readLog, renderLog } from './logs.ts';
export {
  copyFromContainer,
  copyIntoContainer,
  type PathFacts,
  statInContainer,
} from './operations/archive.ts';
export { announceDetach, attachAfterLog, attachContainer, checkAttachable } from './operations/attach.ts';
export { changesOfContainer } from './operations/changes.ts';
export { type CommitRequest, commitContainer } from './operations/commit.ts';
export { createContainer } from './operations/create.ts';
export { checkExecStart, createExec, findExec, resizeExec, startExec } from './operations/exec.ts';
export { discardAllPrepared, prepareExec } from './operations/exec-ahead.ts';
export { containerSizes } from './operations/disk-usage.ts';
export { exportContainer } from './operations/export.ts';
export {
  connectContainer,
  createNetwork,
  disconnectContainer,
  pruneNetworks,
  removeNetwork,
} from './operations/networks.ts';
export { pauseContainer, unpauseContainer } from './operations/pause.ts';
export { planOfContainer } from './operations/plan.ts';
export { parseRestartPolicy, type RestartPolicy } from './restart-policy.ts';
export { createRestarts } from './restarts.ts';
export { type Pruned, pruneContainers } from './operations/prune.ts';
export { sampleUsage, type UsageSample } from './operations/stats.ts';
export { removeContainer } from './operations/remove.ts';
export { renameContainer } from './operations/rename.ts';
export { restartContainer } from './operations/restart.ts';
export { restoreContainers } from './operations/restore.ts';
export { startContainer } from './operations/start.ts';
export { killContainer, type StopOptions, stopContainer } from './operations/stop.ts';
export { updateContainer } from './operations/update.ts';
export { type WaitCondition, type WaitResult, waitForContainer } from './operations/wait.ts';
export {
  compressedLogOf,
  dataDirectoryOf,
  type EngineOptions,
  type EngineParts,
  findContainer,
  logPathOf,
} from './parts.ts';
export { copyVolume, renameVolume, SNAPSHOT_LABEL, snapshotName } from './operations/copy-volume.ts';
export {
  createVolume,
  findVolumes,
  measureVolumes,
  pruneVolumes,
  removeVolume,
  type VolumeUse,
} from './operations/volumes.ts';
export { resizeContainer } from './operations/resize.ts';
export { type Top, topContainer } from './operations/top.ts';
export { containerOfImage } from './image-use.ts';
