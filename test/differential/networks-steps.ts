/** What is asked of each side about networks, in this order, and where the answers differ on purpose. */

const show = (name: string): string =>
  `docker network inspect -f '{{.Driver}} {{.Scope}} {{.EnableIPv6}} {{.Internal}} {{.Attachable}} {{.Ingress}} {{json .IPAM}} {{json .Options}} {{json .Labels}} {{json .ConfigFrom}} {{.ConfigOnly}}' ${name}`;
const endpointOf = (name: string, network: string): string =>
  `docker inspect -f '{{with index .NetworkSettings.Networks "${network}"}}{{.IPAddress}} {{.IPPrefixLen}} {{.Gateway}} {{json .IPAMConfig}} {{json .Links}} {{json .Aliases}} {{.GlobalIPv6PrefixLen}} {{.IPv6Gateway}} {{json .DriverOpts}}{{end}}' ${name}`;
/** As `curl` of the API. */
const api = (method: string, path: string, body = ''): string =>
  `curl -s --unix-socket "\${DOCKER_HOST#unix://}" -X ${method} -H 'Content-Type: application/json' ${body === '' ? '' : `-d '${body}' `}'http://x/v1.41${path}'`;

export const steps: readonly string[] = [
  // What is there from the beginning.
  'docker network ls',
  "docker network ls --format '{{.Name}} {{.Driver}} {{.Scope}} {{.IPv6}} {{.Internal}}'",
  'docker network inspect bridge',
  'docker network inspect host none',
  'docker network inspect nosuch',
  'docker network rm bridge',
  'docker network rm host',
  'docker network rm nosuch',
  'docker network rm nosuch bridge',
  'docker network prune -f',
  // Made.
  'docker network create n1',
  'docker network create n1',
  'docker network create bridge',
  'docker network create host',
  "docker network create ''",
  'docker network create -d nosuch n2',
  'docker network create -d host n2',
  'docker network create -d null n2',
  'docker network create --subnet 10.77.0.0/16 --ip-range 10.77.5.0/24 --gateway 10.77.0.9 --aux-address spare=10.77.5.7 --label a=b --label c n2',
  'docker network create --subnet 10.77.8.0/24 n3',
  'docker network create --subnet 10.78.0.0/99 n3',
  'docker network create --subnet nonsense n3',
  'docker network create --subnet 10.78.0.0/24 --gateway 10.79.0.1 n3',
  'docker network create --subnet 10.78.0.0/24 --ip-range 10.79.0.0/25 n3',
  'docker network create --gateway 10.78.0.1 n3',
  'docker network create --ip-range 10.78.0.0/25 n3',
  'docker network create --internal --attachable inner',
  'docker network create --subnet 10.80.0.0/24 -o com.docker.network.bridge.name=br-test -o com.docker.network.driver.mtu=1400 tuned',
  'docker network create --subnet fd00:77::/64 --subnet 10.81.0.0/24 --ipv6 dual',
  'docker network create --ipv6 n6; docker network rm n6',
  'docker network create --subnet 10.83.0.0/24 --subnet 10.84.0.0/24 n3',
  show('n1'),
  show('n2'),
  show('inner'),
  show('tuned'),
  show('dual'),
  'docker network inspect n2',
  'docker network inspect n1 nosuch n2 | grep Name',
  'docker inspect --type network n2',
  'ip -br link show br-test | cut -c1-10; cat /sys/class/net/br-test/mtu',
  api('GET', '/networks/n2?verbose=true'),
  api('GET', '/networks/nosuch'),
  api(
    'POST',
    '/networks/create',
    '{"Name":"raw","CheckDuplicate":true,"Driver":"bridge","IPAM":{"Config":[{"Subnet":"10.82.0.0/24"}]}}',
  ),
  api('POST', '/networks/create', '{"Driver":"bridge"}'),
  // Listed.
  "docker network ls -f name=n --format '{{.Name}}'",
  "docker network ls -f name=^n1$ --format '{{.Name}}'",
  "docker network ls -f driver=host --format '{{.Name}}'",
  "docker network ls -f driver=none --format '{{.Name}}'",
  "docker network ls -f label=a --format '{{.Name}}'",
  "docker network ls -f label=a=b --format '{{.Name}}'",
  "docker network ls -f label=a=x --format '{{.Name}}'",
  "docker network ls -f type=builtin --format '{{.Name}}'",
  "docker network ls -f type=custom --format '{{.Name}}'",
  'docker network ls -f type=other',
  "docker network ls -f scope=local --format '{{.Name}}'",
  "docker network ls -f scope=swarm --format '{{.Name}}'",
  'docker network ls -f nosuch=1',
  "docker network ls -f dangling=true --format '{{.Name}}'",
  'docker network ls -q --no-trunc | grep -c .',
  `docker network ls -f name=^n1$ --format '{{json .}}' | tr ',' '\\n' | grep -v -e CreatedAt -e '"ID"'`,
  // Used.
  'docker run -d --name c1 --network n2 busybox sleep 1000',
  endpointOf('c1', 'n2'),
  'docker run -d --name c2 --network n2 --ip 10.77.0.50 --network-alias web --network-alias www --hostname two busybox sleep 1000',
  endpointOf('c2', 'n2'),
  "docker inspect -f '{{.HostConfig.NetworkMode}} {{.Config.Hostname}}' c2",
  'docker run --rm --network n2 --ip 10.77.0.50 busybox true',
  'docker run --rm --network n2 --ip 10.99.0.1 busybox true',
  'docker run --rm --network bridge --ip 172.17.0.9 busybox true',
  'docker run --rm --network nosuch busybox true',
  'docker run --rm --network container:nosuch busybox true',
  'docker run --rm --network container:c1 -p 80:80 busybox true',
  'docker run --rm --network container:c1 --hostname x busybox true',
  'docker run --rm --network host busybox hostname >/dev/null; echo $?',
  'docker run --rm --network none busybox ip -o link | cut -d" " -f2',
  "docker run --rm --network container:c2 busybox ip -o -4 address show eth0 | awk '{print $4}'",
  'docker run --rm --network none -p 80:80 --name quiet busybox true; docker ps -a -f name=quiet -q',
  'docker exec c1 nslookup c2 | grep Address | tail -1',
  'docker exec c1 nslookup web | grep Address | tail -1',
  'docker exec c1 cat /etc/resolv.conf | grep -v "^#"',
  'docker exec c2 cat /etc/hosts',
  'docker exec c1 ping -c 1 -W 2 c2 | grep -c "1 packets received"',
  'docker run --rm --network n2 --dns 9.9.9.9 --dns-search example.org --dns-option ndots:3 --add-host a.b:1.2.3.4 busybox cat /etc/resolv.conf /etc/hosts | grep -v -e "^#" -e localhost -e ip6',
  'docker run --rm --dns 9.9.9.9 --dns-search example.org busybox cat /etc/resolv.conf',
  // Connected and disconnected.
  'docker network connect n1 c1',
  'docker network connect n1 c1',
  'docker network connect nosuch c1',
  'docker network connect n1 nosuch',
  'docker network connect host c1',
  'docker network connect none c1',
  'docker network connect --ip 10.81.0.7 --ip6 fd00:77::7 --alias both dual c2',
  endpointOf('c2', 'dual'),
  'docker network connect --driver-opt a=b inner c2; docker network disconnect inner c2',
  "docker exec c2 ip -o address show eth1 | grep -v fe80 | awk '{print $4}'",
  "docker network inspect -f '{{range .Containers}}{{.Name}} {{.IPv4Address}} {{.IPv6Address}}{{println}}{{end}}' dual",
  "docker ps --format '{{.Names}},{{.Networks}}' | tr , '\\n' | sort",
  "docker ps -f network=n1 --format '{{.Names}}'",
  'docker network rm n1',
  'docker network disconnect n1 c1',
  'docker network disconnect n1 c1',
  'docker network disconnect nosuch c1',
  'docker network disconnect n1 nosuch',
  'docker network disconnect -f n1 c1',
  'docker stop -t 0 c2',
  endpointOf('c2', 'n2'),
  'docker network inspect -f "{{len .Containers}}" n2',
  'docker network rm n2',
  'docker start c2',
  endpointOf('c2', 'n2'),
  // Ports.
  'docker run -d --name p1 -p 18080:80 -p 127.0.0.1:18081:81/udp -p 82 --expose 83 busybox sleep 1000',
  "docker port p1 | grep -v ' *:: *' | grep -v '\\[::\\]' | sed 's/:3[0-9]*$/:N/;s/:4[0-9]*$/:N/'",
  'docker port p1 80',
  'docker port p1 81/udp',
  'docker port p1 99',
  'docker port nosuch',
  "docker inspect -f '{{json .HostConfig.PortBindings}} {{json .Config.ExposedPorts}}' p1",
  'docker run --rm -p 18080:80 busybox true; echo $?',
  'docker run --rm -p 18090-18091:80 busybox true',
  'docker run --rm -p 70000:80 busybox true',
  'docker run --rm -p 80:80:80:80 busybox true',
  'docker run --rm -p x:80 busybox true',
  'docker run --rm -p 80/icmp busybox true',
  "docker run -d --name p2 -P --expose 90 --expose 91/udp busybox sleep 1000 >/dev/null; docker inspect -f '{{range $p, $b := .NetworkSettings.Ports}}{{$p}} {{len $b}} {{end}}' p2",
  "docker run -d --name p3 -p 18100-18102:100-102 busybox sleep 1000 >/dev/null; docker port p3 | grep -v '\\[::\\]' | sort",
  'docker rm -f p1 p2 p3',
  // The default route.
  'docker run -d --name g1 --network n2 busybox sleep 1000; docker network connect n1 g1',
  'docker exec g1 ip route | grep default | grep -o "dev eth."',
  'docker network disconnect n1 g1; docker network connect tuned g1',
  'docker exec g1 ip route | grep default | grep -o "dev eth."',
  'docker network disconnect n2 g1; docker exec g1 ip route | grep default | grep -o "via [0-9.]*"',
  'docker rm -f g1',
  // Links.
  'docker run -d --name l1 --hostname house busybox sleep 1000',
  'docker run --rm --link l1:alias busybox awk \'/house/ {$1=""; print}\' /etc/hosts',
  'docker run --rm --link l1 busybox awk \'/house/ {$1=""; print}\' /etc/hosts',
  'docker create --name l2 --link l1:alias busybox sleep 1000',
  "docker inspect -f '{{json .HostConfig.Links}}' l2",
  "docker ps --no-trunc --format '{{.Names}}' | grep l1 | tr , '\\n' | sort",
  "docker ps --format '{{.Names}}' | grep l1",
  'docker rm --link l2',
  'docker rm --link l2/nosuch',
  'docker rm --link nosuch/alias',
  'docker run --rm --link nosuch:x busybox true; echo $?',
  'docker run --rm --link a:b:c busybox true; echo $?',
  'docker run --rm --network host --link l1 busybox true; echo $?',
  'docker run --rm --network container:l1 --link l1 busybox true; echo $?',
  'docker run --rm --link c1:x busybox true; echo $?',
  'docker stop -t 0 l1; docker start l2',
  'docker start l1; docker start l2',
  'docker exec l2 awk \'/house/ {$1=""; print}\' /etc/hosts',
  'docker rm --link l2/alias',
  "docker inspect -f '{{json .HostConfig.Links}}' l2",
  'docker rm -f l1',
  'docker run -d --name l3 --network n2 --link c2:peer busybox sleep 1000',
  'docker inspect -f \'{{json .HostConfig.Links}} {{json (index .NetworkSettings.Networks "n2").Links}}\' l3',
  'docker exec l3 nslookup peer | grep Address | tail -1',
  'docker exec c1 nslookup peer 127.0.0.11 2>&1 | grep -c 10.77.0.50',
  'docker network connect --link c2:friend inner l3',
  'docker inspect -f \'{{json (index .NetworkSettings.Networks "inner").Links}}\' l3',
  'docker network connect --link a:b:c inner c1',
  'docker rm -f l2 l3',
  // Configurations of networks.
  'docker network create --config-only --subnet 10.85.0.0/24 --label a=b shape',
  show('shape'),
  'docker network create --config-from shape shaped',
  show('shaped'),
  'docker network create --config-from nosuch other',
  'docker network create --config-from n2 other',
  'docker network create --config-from shape --subnet 10.86.0.0/24 other',
  'docker network create --config-only --config-from shape other',
  'docker network create --config-only --internal other',
  'docker run --rm --network shape busybox true; echo $?',
  'docker run --rm --network shaped busybox ip -o -4 address show eth0 | grep -o "inet [0-9./]*"',
  'docker network rm shape',
  'docker network rm shaped',
  'docker network rm shape',
  // Gone.
  'docker network disconnect n2 c1',
  'docker rm -f c1 c2',
  'docker network rm n1 n2',
  'docker network rm inner nosuch tuned',
  'docker network prune -f --filter label=nosuch',
  'docker network prune -f --filter nosuch=1',
  'docker network prune -f | sort',
  "docker network ls --format '{{.Name}}'",
];

/** Read twice: with docker's command line and with ours. */
export const isReading = (step: string): boolean => /^docker (?:network (?:ls|inspect)|port|inspect|ps) ?/.test(step);

/** What newer versions say in other letters, and what is random. */

export const sameWords = (text: string): string =>
  text
    .replaceAll(/\bskiff(d?)\b/gi, 'docker$1')
    .replaceAll(/"EndpointID": ?"[^"]*"/g, '"EndpointID": "X"')
    .replaceAll(/^(Error response from daemon: )Invalid (?=filter)/gm, '$1invalid ')
    .replaceAll(/^(f[ef]00::)0\b/gm, '$1')
    // Docker's command line sends an empty map where none was asked for.
    .replaceAll(/ \{\}$/gm, ' null')
    .replaceAll(/br-[0-9a-f]{12}/g, 'br-ID')
    .replaceAll(/ on endpoint [a-z]+_[a-z]+ /g, ' on endpoint NAME ')
    .replaceAll(/\b02:42:(?:[0-9a-f]{2}:?){4}\b/g, 'MAC');

export interface Difference {
  readonly name: string;
  readonly steps: readonly string[];
  /** What ours says. */
  readonly ours: RegExp;
}

export const differences: readonly Difference[] = [
  {
    name: "a network's gateway",
    steps: ['docker network inspect bridge', show('tuned'), show('dual'), show('shaped')],
    ours: /"Gateway": ?"(?:172\.17\.0\.1|10\.80\.0\.1|10\.81\.0\.1|10\.85\.0\.1)"/,
  },
  {
    name: 'a network without a name',
    steps: ["docker network create ''", api('POST', '/networks/create', '{"Driver":"bridge"}')],
    ours: /invalid network name: name is empty/,
  },
  {
    name: 'a driver nobody has',
    steps: ['docker network create -d nosuch n2'],
    ours: /could not find plugin nosuch in v1 plugin registry: plugin not found/,
  },
  {
    name: 'subnets that overlap',
    steps: ['docker network create --subnet 10.77.8.0/24 n3'],
    ours: /Pool overlaps with other one on this address space: 10\.77\.8\.0\/24 and network n2 \(10\.77\.0\.0\/16\)/,
  },
  {
    name: 'a subnet that is none',
    steps: ['docker network create --subnet 10.78.0.0/99 n3', 'docker network create --subnet nonsense n3'],
    ours: /invalid subnet (?:10\.78\.0\.0\/99|nonsense): invalid CIDR address/,
  },
  {
    name: '`--ipv6` without a subnet',
    steps: ['docker network create --ipv6 n6; docker network rm n6'],
    ours: /^ID-1\nn6$/m,
  },
  {
    name: 'filter `type` of networks',
    steps: ['docker network ls -f type=other'],
    ours: /invalid filter 'type=other'/,
  },
  {
    name: 'an address of no subnet',
    steps: ['docker run --rm --network n2 --ip 10.99.0.1 busybox true'],
    ours: /invalid endpoint settings: no configured subnet or ip-range of network n2 contains the IP address 10\.99\.0\.1/,
  },
  {
    name: 'an address somebody has',
    steps: ['docker run --rm --network n2 --ip 10.77.0.50 busybox true'],
    ours: /Address already in use: 10\.77\.0\.50/,
  },
  {
    name: 'order of resolv.conf',
    steps: [
      'docker run --rm --network n2 --dns 9.9.9.9 --dns-search example.org --dns-option ndots:3 --add-host a.b:1.2.3.4 busybox cat /etc/resolv.conf /etc/hosts | grep -v -e "^#" -e localhost -e ip6',
      'docker run --rm --dns 9.9.9.9 --dns-search example.org busybox cat /etc/resolv.conf',
    ],
    ours: /^nameserver \S+\nsearch example\.org$/m,
  },
  {
    name: 'driver options of an endpoint',
    steps: ['docker network connect --driver-opt a=b inner c2; docker network disconnect inner c2'],
    ours: /unknown driver option "a" of an endpoint/,
  },
  {
    name: 'ports on `[::]`',
    steps: [
      'docker port p1 80',
      "docker run -d --name p2 -P --expose 90 --expose 91/udp busybox sleep 1000 >/dev/null; docker inspect -f '{{range $p, $b := .NetworkSettings.Ports}}{{$p}} {{len $b}} {{end}}' p2",
    ],
    ours: /^(?:0\.0\.0\.0:18080|90\/tcp 1 91\/udp 1)$/m,
  },
  {
    name: 'a port that is taken',
    steps: ['docker run --rm -p 18080:80 busybox true; echo $?'],
    ours: /port is already allocated: port 18080 is already taken by container p1/,
  },
];
