/** What a container's /etc/resolv.conf says. compat: libnetwork's, without its comments. */

/** What a user gave instead of the host's own; empty for none. */
export interface NameServers {
  readonly dns: readonly string[];
  readonly dnsSearch: readonly string[];
  readonly dnsOptions: readonly string[];
}

export interface ResolvConf {
  readonly servers: readonly string[];
  readonly search: readonly string[];
  readonly options: readonly string[];
}

const HOST_FILE = '/etc/resolv.conf';
/** What systemd-resolved asks; its own stub on the loopback answers nobody in a container. */
const RESOLVED_FILE = '/run/systemd/resolve/resolv.conf';
/** compat: where the host names no server that could be reached. */
const fallbackServers = ['8.8.8.8', '8.8.4.4'];
const NAME_SERVICE = '127.0.0.11';

/** Lines of a resolv.conf(5). */
export function parseResolvConf(text: string): ResolvConf {
  const servers: string[] = [];
  let search: string[] = [];
  let options: string[] = [];
  for (const line of text.split('\n')) {
    const [word = '', ...values] = line.trim().split(/\s+/);
    if (word === 'nameserver' && values[0] !== undefined) servers.push(values[0]);
    else if (word === 'search' || word === 'domain') search = values;
    else if (word === 'options') options = values;
  }
  return { servers, search, options };
}

const isLoopback = (server: string): boolean => server.startsWith('127.') || server === '::1';

/** Where names nobody here knows are asked for: what the user gave, or the host's servers. */
export function upstreamServers(own: NameServers, read: (path: string) => string): readonly string[] {
  if (own.dns.length > 0) return own.dns;
  const { servers } = parseResolvConf(hostText(read));
  const usable = servers.filter((server) => !isLoopback(server));
  return usable.length > 0 ? usable : fallbackServers;
}

function hostText(read: (path: string) => string): string {
  const text = read(HOST_FILE);
  const { servers } = parseResolvConf(text);
  const isStub = servers.length === 1 && servers[0] === '127.0.0.53';
  return isStub ? read(RESOLVED_FILE) : text;
}

/** With a name service of the network's own the servers are asked by it. */
export function resolvConf(own: NameServers, read: (path: string) => string, hasNameService: boolean): string {
  const host = parseResolvConf(hostText(read));
  const servers = hasNameService ? [NAME_SERVICE] : upstreamServers(own, read);
  // compat: `--dns-search .` means none.
  const search = own.dnsSearch.length > 0 ? own.dnsSearch.filter((name) => name !== '.') : host.search;
  const given = own.dnsOptions.length > 0 ? own.dnsOptions : host.options;
  const hasDots = given.some((option) => option.startsWith('ndots:'));
  const options = hasNameService && !hasDots ? [...given, 'ndots:0'] : given;
  return [
    ...servers.map((server) => `nameserver ${server}\n`),
    search.length > 0 ? `search ${search.join(' ')}\n` : '',
    options.length > 0 ? `options ${options.join(' ')}\n` : '',
  ].join('');
}
