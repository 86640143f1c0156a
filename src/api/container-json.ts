/** A container's JSON for the version a client speaks: the engine makes the newest, older ones had more or less. */
import { type ContainerRecord, type EngineParts, inspectContainer, summarizeContainer } from '#engine';
import type { ContainerInspect, ContainerSummary } from '#specs';

type Json = Readonly<Record<string, unknown>>;

export function inspectJson(parts: EngineParts, record: ContainerRecord, minor: number): ContainerInspect {
  const newest = inspectContainer(parts, record);
  if (minor >= 52) return newest;
  return {
    ...newest,
    Config: { OnBuild: null, ...newest.Config },
    HostConfig: minor < 42 ? { ...newest.HostConfig, KernelMemory: 0, KernelMemoryTCP: 0 } : newest.HostConfig,
    NetworkSettings: networkSettings(newest.NetworkSettings as Json, record, minor),
  };
}

/** compat: health is in lists since 1.52. */
export function summaryJson(
  parts: EngineParts,
  record: ContainerRecord,
  nowNs: bigint,
  minor: number,
): ContainerSummary {
  const newest = summarizeContainer(parts, record, nowNs);
  if (minor >= 52) return newest;
  const { Health: _, ...older } = newest;
  return { ...older, NetworkSettings: { Networks: networks(older.NetworkSettings.Networks, record, minor) } };
}

/** compat: until 1.51 the endpoint on the default bridge was told beside the others, and what libnetwork once had. */
function networkSettings(newest: Json, record: ContainerRecord, minor: number): Json {
  const all = (newest['Networks'] ?? {}) as Readonly<Record<string, Json>>;
  const bridge = all['bridge'] ?? {};
  return {
    Bridge: '',
    HairpinMode: false,
    LinkLocalIPv6Address: '',
    LinkLocalIPv6PrefixLen: 0,
    SecondaryIPAddresses: null,
    SecondaryIPv6Addresses: null,
    ...newest,
    ...Object.fromEntries(Object.entries(none).map(([name, value]) => [name, bridge[name] ?? value])),
    Networks: networks(all, record, minor),
  };
}

const none: Json = {
  EndpointID: '',
  Gateway: '',
  GlobalIPv6Address: '',
  GlobalIPv6PrefixLen: 0,
  IPAddress: '',
  IPPrefixLen: 0,
  IPv6Gateway: '',
  MacAddress: '',
};

/** compat: names for DNS came with 1.44, when the short id and the hostname among the aliases went; priorities of gateways with 1.48. */
function networks(
  all: Readonly<Record<string, object>>,
  { id, startedAt, settings }: ContainerRecord,
  minor: number,
): Readonly<Record<string, object>> {
  return Object.fromEntries(
    Object.entries(all).map(([name, endpoint]) => {
      const left = Object.entries(endpoint).filter(
        ([key]) => !(key === 'DNSNames' && minor < 44) && !(key === 'GwPriority' && minor < 48),
      );
      const older = Object.fromEntries(left);
      const hasNames = startedAt !== undefined && !['bridge', 'host', 'none'].includes(name);
      if (minor >= 45 || !hasNames) return [name, older];
      const own = [id.slice(0, 12), ...(settings.hostname === '' ? [] : [settings.hostname])];
      return [name, { ...older, Aliases: [...((older['Aliases'] as string[] | null) ?? []), ...own] }];
    }),
  );
}
