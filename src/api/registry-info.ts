/** What `GET /info` says of registries: Docker's keys for the daemon's settings. compat: RegistryServiceConfig. */
import { HUB_HOST, HUB_SERVER_KEY, type RegistryConfig } from '#registry';

export function registryInfo({ insecureRegistries, mirrors, proxies }: RegistryConfig, minor: number): object {
  const index = (name: string, secure: boolean): object => ({
    Name: name,
    Mirrors: mirrors[name] ?? [],
    Secure: secure,
    Official: name === HUB_HOST,
  });
  const hosts = insecureRegistries.filter((entry) => !entry.includes('/'));
  return {
    IndexServerAddress: HUB_SERVER_KEY,
    RegistryConfig: {
      // compat: a setting that is no more, told until 1.48.
      ...(minor < 49
        ? { AllowNondistributableArtifactsCIDRs: null, AllowNondistributableArtifactsHostnames: null }
        : {}),
      InsecureRegistryCIDRs: ['::1/128', '127.0.0.0/8', ...insecureRegistries.filter((entry) => entry.includes('/'))],
      IndexConfigs: Object.fromEntries([
        [HUB_HOST, index(HUB_HOST, true)],
        ...hosts.map((host) => [host, index(host, false)]),
      ]),
      Mirrors: mirrors[HUB_HOST] ?? [],
    },
    HttpProxy: masked(proxies.httpProxy),
    HttpsProxy: masked(proxies.httpsProxy),
    NoProxy: proxies.noProxy,
  };
}

/** compat: credentials in a proxy's URL are shown as so many x. By its text, for it may be none that parses. */
const masked = (proxy: string): string => proxy.replace(/^([a-z][a-z0-9+.-]*:\/\/)?.*@/i, '$1xxxxx:xxxxx@');
