/** The only module that touches the kernel: its numbers, cgroups, the native helper, facts of the host. */
export {
  capabilitiesIn,
  capabilityBit,
  capabilityMask,
  type CapabilityName,
  capabilityNames,
} from './abi/capabilities.ts';
export { CLONE } from './abi/clone.ts';
export {
  AT_EMPTY_PATH,
  AT_RECURSIVE,
  MNT_DETACH,
  MOUNT_ATTR,
  MS,
  O,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
  RESOLVE,
  S_IF,
} from './abi/mount.ts';
export {
  ioPriorityClasses,
  ioPriorityValue,
  memoryPolicyFlags,
  memoryPolicyModes,
  personalities,
  rlimitNumbers,
  schedulerFlags,
  schedulerPolicies,
} from './abi/resource.ts';
export { SIGKILL, signalName, signalNumber } from './abi/signals.ts';
export { syscallTables } from './abi/syscall-tables.ts';
export type {
  Cgroup,
  CgroupDeps,
  CgroupPlacement,
  CgroupWrite,
  DeviceProgram,
  OomWatch,
  PlacedHierarchy,
} from './cgroups/cgroup.ts';
export { type CgroupFeatures, cgroupFeatures } from './cgroups/features.ts';
export { type CgroupFiles, kernelFiles } from './cgroups/files.ts';
export { type CgroupHost, detectCgroups, type Hierarchy, readCgroupHost } from './cgroups/host.ts';
export { openCgroup } from './cgroups/open.ts';
export { isSystemdPath, parseCgroupsPath } from './cgroups/path.ts';
export type { CgroupResources } from './cgroups/resources.ts';
export type {
  BlockIoEntry,
  BlockIoStats,
  CgroupStats,
  CpuStats,
  HugetlbStats,
  MemoryStats,
  PidsStats,
} from './cgroups/stats.ts';
export { type EventListener, type Launcher, type NetlinkOutcome, type RunOutcome, startLauncher } from './launcher.ts';
export {
  type HelperTree,
  type PlanReady,
  type PlanRequest,
  type PlanRun,
  runPlan,
  spawnLogReader,
} from './helper-modes.ts';
export {
  attachFlags,
  connectionKind,
  controlType,
  exitCodeOf,
  FrameSplitter,
  HELLO_MAGIC,
  type HelperEvent,
  type PlanFailure,
  readEvent,
  type ShimRecord,
} from './helper-protocol.ts';
export { blockScheduler } from './block-scheduler.ts';
export { limitFolders, spreadFolders } from './folder-flags.ts';
export {
  type HostFacts,
  kernelAtLeast,
  mountPointIn,
  parseKernelRelease,
  onlineUnits,
  readHostFacts,
  unescapeOctal,
} from './host-facts.ts';
export { overlayFault } from './overlay-trial.ts';
export { type ProcessStat, readProcessStat } from './process-stat.ts';
export { processesBelow, type TreeMember } from './process-tree.ts';
export { readRootFile } from './root-file.ts';
export { hostCpuNs } from './host-cpu.ts';
export { measureTree } from './measure-tree.ts';
export { hasInterpreter } from './binfmt.ts';
export { cutTimes } from './cut-times.ts';
export { helperPath, isExecutable } from './helper-path.ts';
export { openProcessRoot, type ProcessRoot } from './process-root.ts';
export { openTreeReader, type TreeReader, type WalkRecord } from './tree-reader.ts';
export type { TreeEntry } from './tree-records.ts';
export { type ReadLink, resolvePath } from './resolve-path.ts';
export { removeTree } from './remove-tree.ts';
export { UnpackSink, type UnpackSinkOptions } from './unpack-sink.ts';
export { type FileAttributes, openUnpacker, type Unpacker, type UnpackerOptions } from './unpacker.ts';
