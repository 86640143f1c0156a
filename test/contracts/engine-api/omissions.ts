/**
 * Where Docker's own answers are not what the description says when it is read strictly. It marks few fields as required
 * and few as nullable; these are the fields Docker leaves out when they are empty, and the lists and maps that are null
 * when they are empty. Everything else has to be there.
 */

export interface Habits {
  readonly omitted: ReadonlySet<string>;
  readonly nulls: ReadonlySet<string>;
}

const fields = (prefix: string, ...names: readonly string[]): string[] => names.map((name) => `${prefix}.${name}`);

const omitted = [
  ...fields('ContainerSummary', 'ImageManifestDescriptor', 'SizeRw', 'SizeRootFs', 'Health', 'HostConfig.Annotations'),
  ...fields('PortSummary', 'IP', 'PublicPort'),
  ...fields('MountPoint', 'Name', 'Driver'),
  ...fields('ContainerInspectResponse', 'ImageManifestDescriptor', 'Storage', 'SizeRw', 'SizeRootFs'),
  'ContainerState.Health',
  ...fields('ContainerConfig', 'ExposedPorts', 'Healthcheck', 'ArgsEscaped', 'NetworkDisabled'),
  ...fields('ContainerConfig', 'OnBuild', 'StopSignal', 'StopTimeout', 'Shell'),
  ...fields('HostConfig', 'Annotations', 'StorageOpt', 'Tmpfs', 'Sysctls', 'Mounts'),
  'Resources.Init',
  ...fields('Mount', 'Source', 'ReadOnly', 'Consistency', 'BindOptions', 'VolumeOptions', 'ImageOptions'),
  'Mount.TmpfsOptions',
  ...fields('Mount.BindOptions', 'Propagation', 'NonRecursive', 'CreateMountpoint', 'ReadOnlyNonRecursive'),
  'Mount.BindOptions.ReadOnlyForceRecursive',
  ...fields('Mount.VolumeOptions', 'NoCopy', 'Labels', 'DriverConfig', 'Subpath'),
  ...fields('Mount.VolumeOptions.DriverConfig', 'Name', 'Options'),
  ...fields('Mount.TmpfsOptions', 'SizeBytes', 'Mode', 'Options'),
  ...fields('HealthConfig', 'Test', 'Interval', 'Timeout', 'Retries', 'StartPeriod', 'StartInterval'),
  'ContainerStatsResponse.networks',
  ...fields('ContainerStorageStats', 'read_count_normalized', 'read_size_bytes', 'write_count_normalized'),
  'ContainerStorageStats.write_size_bytes',
  ...fields('ContainerPidsStats', 'current', 'limit'),
  ...fields('ContainerMemoryStats', 'usage', 'max_usage', 'stats', 'failcnt', 'limit', 'commitbytes'),
  ...fields('ContainerMemoryStats', 'commitpeakbytes', 'privateworkingset'),
  ...fields('ContainerCPUStats', 'system_cpu_usage', 'online_cpus'),
  'ContainerCPUUsage.percpu_usage',
  ...fields('ContainerNetworkStats', 'endpoint_id', 'instance_id'),
  'ContainerWaitResponse.Error',
  ...fields('ImageSummary', 'Manifests', 'Descriptor'),
  ...fields('ImageManifestSummary', 'ImageData', 'AttestationData'),
  'ImageManifestSummary.ImageData.Identity',
  ...fields('OCIDescriptor', 'urls', 'annotations', 'data', 'platform', 'artifactType'),
  ...fields('OCIPlatform', 'os.version', 'os.features', 'variant'),
  // An image of a store that knows several platforms, who signed it, and what its file says of itself.
  ...fields('ImageInspect', 'Descriptor', 'Manifests', 'Identity', 'Variant', 'OsVersion'),
  ...fields('ImageInspect', 'Comment', 'Created', 'Author'),
  ...fields('ImageConfig', 'User', 'ExposedPorts', 'Env', 'Cmd', 'Healthcheck', 'ArgsEscaped', 'Volumes'),
  ...fields('ImageConfig', 'WorkingDir', 'Entrypoint', 'OnBuild', 'Labels', 'StopSignal', 'Shell'),
  ...fields('ImageDeleteResponseItem', 'Untagged', 'Deleted'),
  // Of one type, when only that was asked for.
  ...fields('SystemDataUsageResponse', 'ImageUsage', 'ContainerUsage', 'VolumeUsage', 'BuildCacheUsage'),
  // Of drivers that have more to say, of clusters, and of the answer about disk space.
  ...fields('Volume', 'Status', 'ClusterVolume', 'UsageData'),
  'ProcessConfig.user',
  ...fields('SystemInfo', 'ProductLicense', 'DefaultAddressPools', 'FirewallBackend', 'DiscoveredDevices'),
  // There is no containerd here, and nothing that plugs into it.
  ...fields('SystemInfo', 'NRI', 'Containerd'),
  ...fields('SwarmInfo', 'Nodes', 'Managers', 'Cluster'),
  ...fields('Runtime', 'runtimeArgs', 'status'),
  ...fields('SystemVersion', 'Experimental', 'BuildTime'),
  ...fields('IPAMConfig', 'IPRange', 'Gateway', 'AuxiliaryAddresses'),
  'NetworkInspect.Status',
  ...fields('EndpointIPAMConfig', 'IPv4Address', 'IPv6Address', 'LinkLocalIPs'),
];

const nulls = [
  'ContainerChanges',
  'ContainerPruneResponse.ContainersDeleted',
  ...fields('ContainerConfig', 'Env', 'Cmd', 'Entrypoint', 'Volumes'),
  ...fields('HostConfig', 'Binds', 'VolumesFrom', 'CapAdd', 'CapDrop', 'ExtraHosts', 'GroupAdd', 'Links'),
  ...fields('HostConfig', 'SecurityOpt', 'MaskedPaths', 'ReadonlyPaths'),
  ...fields('Resources', 'DeviceCgroupRules', 'DeviceRequests', 'MemorySwappiness', 'OomKillDisable'),
  ...fields('EndpointSettings', 'IPAMConfig', 'Links', 'Aliases', 'DNSNames'),
  'IPAM.Options',
  'NetworkPruneResponse.NetworksDeleted',
  ...fields('Volume', 'Labels', 'Options'),
  'VolumeListResponse.Warnings',
  'DriverData.Data',
  'ImageSummary.Labels',
  'ImageHistoryResponseItem.Tags',
  'ImagePruneResponse.ImagesDeleted',
  'ExecInspectResponse.ExitCode',
  'PluginsInfo.Authorization',
  ...fields('SystemInfo', 'GenericResources', 'Warnings'),
  'DistributionInspect.Platforms',
];

export const omissions: Habits = { omitted: new Set(omitted), nulls: new Set(nulls) };

export const isOmitted = (at: string, { omitted: table }: Habits): boolean => table.has(at);
export const isNull = (at: string, { nulls: table }: Habits): boolean => table.has(at);
