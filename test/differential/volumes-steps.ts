/** What is asked of each side about volumes and mounts, in this order, and where the answers differ on purpose. */

const mountsOf = (name: string): string =>
  `docker inspect -f '{{range .Mounts}}{{.Destination}} {{json .}}{{println}}{{end}}' ${name} | sort`;

/** As `curl` of the API. */
const api = (method: string, path: string, body = ''): string =>
  `curl -s --unix-socket "\${DOCKER_HOST#unix://}" -X ${method} -H 'Content-Type: application/json' ${body === '' ? '' : `-d '${body}' `}'http://x/v1.41${path}'`;

const show = 'stat -c "%n %a %u %g %h" . sub f hard; readlink link; cat f';

export const steps: readonly string[] = [
  // Nothing there yet.
  'docker volume ls',
  'docker volume inspect nosuch',
  'docker volume rm nosuch',
  'docker volume rm -f nosuch',
  'docker volume prune -f',
  api('GET', '/volumes'),
  // Made.
  'docker volume create v1',
  'docker volume create v1',
  'docker volume create --label a=b v2',
  'docker volume create --name v3',
  'docker volume create --name v3 v4',
  'docker volume create x',
  "docker volume create 'a/b'",
  'docker volume create /abs',
  'docker volume create -d nosuch v4',
  'docker volume create -d nosuch v1',
  'docker volume create -o color=red v4',
  'docker volume create -o type=tmpfs v4',
  'docker volume create -o device=tmpfs v4',
  'docker volume create -o o=bind v4',
  'docker volume create -o type=none -o o=bind v4',
  'docker volume create -o type=tmpfs -o device=tmpfs -o o=size=1m ram',
  'docker volume create -o type=none -o o=bind -o device=$PWD/kept bound',
  'docker volume create -o type=none -o o=bind -o device=/nosuch missing',
  'docker volume create -o type=nosuch -o device=x nofs',
  api('POST', '/volumes/create', '{"Name":"raw","DriverOpts":{},"Labels":{}}'),
  api('POST', '/volumes/create', '{"Name":"nulls","DriverOpts":null,"Labels":null}'),
  // Seen.
  'docker volume ls',
  'docker volume ls -q',
  'docker volume ls -f dangling=true -q',
  'docker volume ls -f dangling=false -q',
  'docker volume ls -f dangling=maybe',
  'docker volume ls -f name=v -q',
  "docker volume ls -f 'name=^v[12]$' -q",
  "docker volume ls -f 'name=[' -q",
  'docker volume ls -f label=a -q',
  'docker volume ls -f label=a=b -f name=v -q',
  'docker volume ls -f label=a=c -q',
  'docker volume ls -f driver=local -f name=ram',
  'docker volume ls -f driver=other',
  'docker volume ls -f nosuch=1',
  "docker volume ls --format '{{.Name}} {{.Driver}} {{.Scope}} {{.Mountpoint}} {{.Labels}}'",
  "docker volume ls -f name=v2 --format '{{json .}}'",
  'docker volume ls --format json -f name=v2',
  'docker volume ls --format \'table {{.Name}}\\t{{.Label "a"}}\'',
  'docker volume inspect v1 v2 ram',
  'docker volume inspect v1 nosuch v2',
  "docker volume inspect -f '{{.Name}} {{.Options}} {{.Labels}}' ram v2",
  'docker inspect --type volume v2',
  'docker inspect v2',
  api('GET', '/volumes/v2'),
  // Used: given what the image has.
  `docker run --name c1 -v v1:/data image sh -c 'cd /data; ${show}'`,
  `docker run --rm -v v1:/other image sh -c 'cd /other; ${show}'`,
  `docker run --rm -v v2:/data:nocopy image ls /data`,
  `docker run --rm -v v3:/link image ls /data`,
  `docker run --name c2 image sh -c 'cd /data; ${show}'`,
  mountsOf('c1'),
  mountsOf('c2'),
  "docker inspect -f '{{json .Config.Volumes}} {{json .HostConfig.Binds}} {{json .HostConfig.Mounts}}' c1 c2",
  'docker volume rm v1',
  'docker volume rm -f v1',
  'docker volume ls -f dangling=false -q | grep -c .',
  "docker ps -a -f volume=v1 --format '{{.Names}} {{.Mounts}} {{.LocalVolumes}}'",
  "docker ps -a -f volume=/data --format '{{.Names}}'",
  'docker ps -aq -f volume=nosuch',
  // Settings.
  'docker create --name c3 -v /anon -v /anon2/ plain true',
  mountsOf('c3'),
  "docker inspect -f '{{json .Config.Volumes}}' c3",
  'docker create --name c4 -v /anon --mount type=volume,src=mv,dst=/m,volume-label=x=y,volume-nocopy --mount type=volume,src=mv2,dst=/n,readonly --mount type=tmpfs,dst=/t,tmpfs-size=1m,tmpfs-mode=1770 --tmpfs /tt:size=1m --mount type=bind,src=/etc,dst=/b,readonly,bind-propagation=rslave -v /etc:/e:ro,rslave plain true',
  mountsOf('c4'),
  "docker inspect -f '{{json .HostConfig.Mounts}} {{json .HostConfig.Binds}} {{json .HostConfig.Tmpfs}} {{json .Config.Volumes}}' c4",
  'docker volume inspect mv',
  'docker create --name c5 -v v2:/a:ro,nocopy -v /etc:/e:rshared plain true',
  mountsOf('c5'),
  'docker create --name c6 --volumes-from c3:ro --volumes-from c5 plain true',
  mountsOf('c6'),
  "docker inspect -f '{{json .HostConfig.VolumesFrom}}' c6",
  "docker ps -a --format '{{.Names}} {{.LocalVolumes}}'",
  // Refused.
  'docker create --volumes-from nosuch plain true',
  'docker create --volumes-from c3:zz plain true',
  'docker create -v v2:/a --tmpfs /a plain true',
  'docker create -v v2:/a --mount type=volume,src=v3,dst=/a plain true',
  'docker create -v v2:/a:shared plain true',
  'docker create -v v2:/a:bogus plain true',
  'docker create -v v2:/a:ro,rw plain true',
  'docker create -v v2:a plain true',
  'docker create -v v2:/ plain true',
  'docker create -v /etc:/a:nocopy plain true',
  'docker create -v /:/a:shared plain true',
  'docker create --mount type=bind,src=/nosuch,dst=/b plain true',
  'docker create --mount type=bind,dst=/b plain true',
  'docker create --mount type=bind,src=rel,dst=/b plain true',
  'docker create --mount type=volume,src=/abs,dst=/b plain true',
  'docker create --mount type=volume,dst=b plain true',
  'docker create --mount type=volume,dst=/ plain true',
  'docker create --mount type=volume,dst=/b,readonly plain true',
  'docker create --mount type=tmpfs,src=x,dst=/b plain true',
  'docker create --mount type=bogus,dst=/b plain true',
  'docker run --rm -v v2:/file plain true',
  'docker run --rm -v missing:/t plain true',
  'docker run --rm -v nofs:/t plain true',
  // Mounted.
  'docker run --rm -v ram:/t plain sh -c \'grep " /t " /proc/mounts; touch /t/x\'',
  'docker run --rm -v ram:/t plain ls /t',
  "docker run --rm -v bound:/t plain sh -c 'echo x > /t/made'; cat kept/made",
  'docker run --rm -v $PWD/new/folder:/t:ro plain touch /t/x; ls -d new/folder',
  'docker run --rm -v $PWD/kept/made:/etc/made plain cat /etc/made',
  "docker run --rm --mount type=tmpfs,dst=/t,tmpfs-size=1m,tmpfs-mode=1700 plain sh -c 'stat -c %a /t; df -k /t | tail -1 | cut -c 20-40'",
  'docker run --rm --read-only -v v2:/deep/down plain touch /deep/down/x',
  'docker run --name c7 -v v2:/bin/new plain true; docker diff c7',
  'docker run -d --name c8 -v v9:/v plain sleep 100; echo x > f1; docker cp f1 c8:/v/f1; docker exec c8 cat /v/f1',
  'docker stop -t 0 c8; docker cp f1 c8:/v/f2; docker cp c8:/v/f2 -| tar -tf -; docker run --rm -v v9:/z plain ls /z',
  // Disk space.
  "docker system df --format '{{.Type}} {{.TotalCount}} {{.Active}} {{.Size}} {{.Reclaimable}}' | grep Volumes",
  "docker system df -v | sed -n '/^VOLUME/,/^$/p' | grep -v '[0-9a-f]\\{64\\}' | sort",
  // Gone.
  'docker rm -v c4; docker volume ls -q | grep -c .',
  'docker rm c3; docker volume ls -q | grep -c .',
  'docker rm -v c6; docker volume ls -q | grep -c .',
  'docker run --rm -v /gone -v stays:/s plain true; docker volume ls -q | grep -c .',
  'docker rm -fv c1 c2 c5 c7 c8; docker volume ls -q | grep -c .',
  'docker volume rm v1 nosuch v3',
  'docker volume prune -f --filter label=none',
  'docker volume prune -f --filter nosuch=1',
  "docker volume prune -f --filter 'label!=a'",
  'docker volume ls -q',
  'echo y | docker volume prune',
  'docker volume rm ram bound missing nofs',
  'docker volume ls -q',
  'cat kept/made',
  // Told.
  // No name of hexadecimal digits only: for one of them dockerd listed events of a container, whose id may have begun so.
  'docker volume create ev1; docker run --rm --name ev -v ev1:/x:ro plain true; docker volume rm ev1; sleep 1; docker events --since 5m --until 0s --filter volume=ev1 --format \'{{json .Actor}} {{.Type}} {{.Action}}\' | sed \'s/"container":"[^"]*"/CONTAINER/\'',
  "S=$(date +%s.%N); docker run --rm -v e2:/x -v /anon plain true; docker volume rm e2; sleep 1.2; docker events --since $S --until $(date +%s) --format '{{.Type}} {{.Action}}'",
];

export interface Difference {
  /** The row's name in docs/differences.md. */
  readonly name: string;
  readonly steps: readonly string[];
  /** Of our stdout and stderr together. */
  readonly ours: RegExp;
}

export const differences: readonly Difference[] = [
  {
    name: 'volume over a file',
    steps: ['docker run --rm -v v2:/file plain true'],
    ours: /cannot mount a volume over a file: the image has no folder at \/file/,
  },
  {
    name: "errors of a volume's mount",
    steps: ['docker run --rm -v missing:/t plain true', 'docker run --rm -v nofs:/t plain true'],
    ours: /error while mounting volume '.*\/_data': failed to mount local volume: mount .*\((?:ENOENT|ENODEV)\)/,
  },
  {
    name: 'users of a volume',
    steps: ["docker system df -v | sed -n '/^VOLUME/,/^$/p' | grep -v '[0-9a-f]\\{64\\}' | sort"],
    ours: /^v2 +3 +0B$/m,
  },
];

/** Texts that only the version or the folder makes different, to what both say. */
export function sameWords(text: string): string {
  return text
    .replace(/[^\s"':]*\/data\/volumes\//g, 'VOLUMES/')
    .replace(/"[^"]*\/data"/g, '"DATA"')
    .replace(/^(Error response from daemon: )Invalid (?=filter)/gm, '$1invalid ')
    .replace(/"Labels":\{"com\.docker\.volume\.anonymous":""\}/g, '"Labels":null');
}

/** Whether Docker itself tells the lines of this in no certain order. */
export const isUnordered = (step: string): boolean => step.startsWith('docker volume prune');

/** Whether a step changes nothing, so that our own command line may be asked the same; Docker's knows fields that are not there. */
export const isReading = (step: string): boolean =>
  /^docker (?:volume (?:ls|inspect)|inspect|ps)/.test(step) && !/\||HostConfig\.Mounts/.test(step);
