/**
 * Published contracts as types: OCI runtime, image and distribution, Docker API, CRI, Compose.
 */
export type { Hook, Hooks, Mount, Root, RuntimeConfig } from './oci-runtime/config.ts';
export { OCI_RUNTIME_VERSION } from './oci-runtime/config.ts';
export type { CgroupFeatures, Features, LinuxFeatures, SeccompFeatures } from './oci-runtime/features.ts';
export { formatJson64, parseJson64 } from './oci-runtime/json.ts';
export type {
  Device,
  IdMapping,
  IntelRdt,
  LinuxConfig,
  MemoryPolicy,
  MemoryPolicyFlag,
  MemoryPolicyMode,
  Namespace,
  NamespaceType,
  NetDevice,
  Personality,
  RootfsPropagation,
  TimeOffset,
} from './oci-runtime/linux.ts';
export type {
  CapabilitySets,
  ConsoleSize,
  ExecCpuAffinity,
  IoPriority,
  IoPriorityClass,
  Process,
  Rlimit,
  Scheduler,
  SchedulerFlag,
  SchedulerPolicy,
  User,
} from './oci-runtime/process.ts';
export type {
  BlockIoResources,
  CpuResources,
  DeviceRule,
  HugepageLimit,
  InterfacePriority,
  MemoryResources,
  NetworkResources,
  PidsResources,
  RdmaResources,
  Resources,
  ThrottleDevice,
  WeightDevice,
} from './oci-runtime/resources.ts';
export type {
  Seccomp,
  SeccompAction,
  SeccompArch,
  SeccompArg,
  SeccompFlag,
  SeccompOperator,
  SeccompRule,
} from './oci-runtime/seccomp.ts';
export type { ContainerProcessState, State, StateStatus } from './oci-runtime/state.ts';
export type { VmConfig, VmHardware, VmIoMemory } from './oci-runtime/vm.ts';
export type {
  ContainerConfigBody,
  ContainerCreateBody,
  ContainerInspect,
  ContainerStateJson,
  ContainerStats,
  ContainerSummary,
  DeviceMappingBody,
  DeviceRequestBody,
  ExecCreateBody,
  ExecStartBody,
  HealthcheckBody,
  HealthJson,
  HostConfigBody,
  MountBody,
  MountPointJson,
  NetworkLimitsBody,
  PortBindingBody,
  ResourcesBody,
  RestartPolicyBody,
  ThrottleDeviceBody,
  UpdateBody,
  WeightDeviceBody,
} from './docker/containers.ts';
export type {
  EndpointSettingsBody,
  IpamBody,
  NetworkConnectBody,
  NetworkCreateBody,
  NetworkDisconnectBody,
  NetworkJson,
} from './docker/networks.ts';
export type { SearchResultJson } from './docker/registries.ts';
export type { EventMessage, SystemInfo, SystemVersion } from './docker/system.ts';
export type {
  VolumeCopyBody,
  VolumeCreateBody,
  VolumeJson,
  VolumeListAnswer,
  VolumePruneAnswer,
  VolumeRenameBody,
} from './docker/volumes.ts';
export { type CdiDeviceNode, type CdiEdits, type CdiSpec, parseDeviceName, readCdiSpec } from './cdi/cdi-spec.ts';
export { type Descriptor, descriptorJson } from './oci-image/descriptor.ts';
export {
  type Healthcheck,
  type HistoryEntry,
  type ImageConfigFile,
  type ImageExecution,
  parseImageConfig,
  readExecution,
} from './oci-image/image-config.ts';
export {
  childrenOf,
  digestsOf,
  encodeManifest,
  type ImageIndex,
  type ImageManifest,
  type Manifest,
  type ManifestParts,
  MAX_MANIFEST_BYTES,
  parseManifest,
} from './oci-image/manifest.ts';
export {
  acceptedManifests,
  isConfigType,
  isForeignLayerType,
  isIndexType,
  isLayerType,
  isManifestType,
  mediaTypes,
} from './oci-image/media-types.ts';
export {
  formatPlatform,
  normalizePlatform,
  type Platform,
  parsePlatform,
  platformFits,
  platformJson,
  selectPlatform,
} from './oci-image/platform.ts';
export { Fields, isObject, type Json, parseDocument } from './oci-image/reading.ts';
export type {
  DiskUsageAnswer,
  FsckAnswer,
  HistoryItem,
  BuildAmount,
  BuildCacheRow,
  BuildStreamEvent,
  ImageSummary,
  ProgressMessage,
  TypeUsage,
} from './docker/images.ts';
export { BUILD_EVENT } from './docker/images.ts';
