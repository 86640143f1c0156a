/** What is asked of each side about builds with the classic builder, in this order, and where the answers differ on purpose. */
import type { Difference } from '../support/compare-sides.ts';

/** With the Dockerfile from stdin and no context. */
const from = (lines: readonly string[], flags = ''): string =>
  `printf '%b' '${lines.join('\\n')}\\n' | DOCKER_BUILDKIT=0 docker build ${flags}${flags === '' ? '' : ' '}-`;

const build = (flags: string): string => `DOCKER_BUILDKIT=0 docker build ${flags}`;

const imageOf = (name: string): string =>
  `docker image inspect -f '{{json .Config.Cmd}} {{json .Config.Env}} {{json .Config.Labels}} {{.Config.User}} {{.Config.WorkingDir}}' ${name}`;

export const steps: readonly string[] = [
  // Nothing there yet.
  'docker builder prune -f',
  'docker builder prune -f --filter nosuch=1',
  'docker builder prune -f --filter until=x',
  'docker builder prune -f --keep-storage 1x',
  'docker builder nosuch',
  build('nosuch'),
  build('-f nosuch context'),
  build('-f ../outside context'),
  build('-t UPPER context'),
  build('-t a:b:c context'),
  build('--build-arg context'),
  build('--platform a/b/c/d context'),
  build('--network nosuch -q context'),
  build('--memory 1k -q context'),
  build('--ulimit nosuch=1 -q context'),
  // Files that are no Dockerfile.
  from(['']),
  from(['# only a comment']),
  from(['RUN true']),
  from(['FROM']),
  from(['FROM a b c']),
  from(['FROM nosuch:1']),
  from(['FROM base', 'NOSUCH x']),
  from(['FROM base', 'COPY x']),
  from(['FROM base', 'COPY nosuch /']),
  from(['FROM base', 'COPY --from=nosuch /x /']),
  from(['FROM base', 'EXPOSE x']),
  from(['FROM base', 'ENV a']),
  from(['FROM base', 'LABEL']),
  from(['FROM base', 'USER']),
  from(['FROM base', 'WORKDIR']),
  from(['FROM base', 'VOLUME []']),
  from(['FROM base', 'HEALTHCHECK x']),
  from(['FROM base', 'HEALTHCHECK --interval=x CMD true']),
  from(['FROM base', 'STOPSIGNAL NOSUCH']),
  from(['FROM base', 'ONBUILD FROM x']),
  from(['FROM base', 'ONBUILD ONBUILD RUN x']),
  from(['FROM base', 'SHELL sh']),
  from(['FROM base AS 1x']),
  from(['FROM base AS one', 'FROM one AS one'], '-q'),
  from(['FROM base', 'ARG']),
  from(['FROM $X']),
  from(['FROM base', 'RUN false']),
  from(['FROM base', 'RUN exit 7'], '-q'),
  from(['FROM base', 'RUN echo shown && exit 3']),
  from(['FROM base', 'RUN ["/nosuch"]']),
  // Built.
  build('-t one context'),
  imageOf('one'),
  build('-q -t one context >/dev/null'),
  build('--no-cache -q -t again context >/dev/null'),
  'docker image inspect again -f {{.Id}} >/dev/null && ls context',
  build('--target first -q -t first context >/dev/null'),
  imageOf('first'),
  build('--target nosuch context'),
  build('--build-arg WHO=you -q -t you context >/dev/null'),
  imageOf('you'),
  'WHO=env DOCKER_BUILDKIT=0 docker build --build-arg WHO -q -t env context >/dev/null',
  imageOf('env'),
  build('--build-arg NOSUCH=1 context'),
  build('--label a=b --label c -q -t labelled context >/dev/null'),
  imageOf('labelled'),
  build('-t two:1 -t two:2 -q context >/dev/null'),
  "docker image ls --format '{{.Repository}}:{{.Tag}}' two",
  build('--iidfile id -q context >/dev/null') + ' && sed -E "s/[0-9a-f]{64}/ID/" id',
  'tar -C context -c . | DOCKER_BUILDKIT=0 docker build -q -t tarred - >/dev/null',
  imageOf('tarred'),
  'tar -C context -cz . | DOCKER_BUILDKIT=0 docker build -q -f Other -t other - >/dev/null',
  imageOf('other'),
  'DOCKER_BUILDKIT=0 docker build -q -t stdin -f - context <context/Other >/dev/null',
  imageOf('stdin'),
  'docker run --rm --network none one cat /kept /copied',
  'docker run --rm --network none one ls /all',
  build('--squash -q context'),
  build('--rm=false --force-rm -q -t kept context >/dev/null'),
  build('--pull -q context >/dev/null'),
  build('--add-host x:1.2.3.4 --shm-size 8m --network none -q -t limits context >/dev/null'),
  'docker image build -q -t aliased context >/dev/null 2>&1; docker builder build -q -t aliased context >/dev/null 2>&1; echo $?',
  // Out again.
  'docker builder prune -f -a | tail -1 | sed -E "s/[0-9.]+[kMG]?B/SIZE/"',
  'docker image prune -f >/dev/null; docker rmi one again first you env labelled two:1 two:2 tarred other stdin kept limits aliased >/dev/null; echo $?',
  "docker image ls -a --format '{{.Repository}}'",
];

export const differences: readonly Difference[] = [
  {
    name: 'filters of builder prune',
    steps: ['docker builder prune -f --filter nosuch=1', 'docker builder prune -f --filter until=x'],
    ours: /invalid filter 'nosuch'|"until" filter expects a duration .* or a time: "x" is neither/,
  },
  {
    name: 'base images that cannot be pulled',
    steps: [
      from(['FROM nosuch:1']),
      from(['FROM base', 'COPY --from=nosuch /x /']),
      build('--pull -q context >/dev/null'),
    ],
    ours: /^(?:Error response from daemon: )?(?:nosuch|nosuch:1|base): Get "https:/m,
  },
  {
    name: 'sources of COPY that are missing',
    steps: [from(['FROM base', 'COPY nosuch /'])],
    ours: /"\/nosuch": not found/,
  },
  {
    name: 'wrong ports and signals in a Dockerfile',
    steps: [from(['FROM base', 'EXPOSE x']), from(['FROM base', 'STOPSIGNAL NOSUCH'])],
    ours: /invalid containerPort: x|invalid signal: NOSUCH/,
  },
  {
    name: 'two stages of one name',
    steps: [from(['FROM base AS one', 'FROM one AS one'], '-q')],
    ours: /sha256:/,
  },
  {
    name: 'programs of RUN that are missing',
    steps: [from(['FROM base', 'RUN ["/nosuch"]'])],
    ours: /exec: "\/nosuch": stat \/nosuch: no such file or directory/,
  },
  {
    name: 'targets that are missing',
    steps: [build('--target nosuch context')],
    ours: /target stage "nosuch" could not be found/,
  },
  {
    name: 'images between the steps of a build',
    steps: ["docker image ls -a --format '{{.Repository}}'"],
    ours: /^base\n$/,
  },
];
