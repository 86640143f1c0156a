/**
 * The same Dockerfiles, built by dockerd's builders and by ours with the stock docker command: the same settings of the image,
 * the same files with the same attributes.
 */
import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { installBuildx } from '../support/go-programs.ts';
import { missing } from '../support/needs.ts';
import { busyboxTar } from '../support/rootfs.ts';
import { Side } from '../support/sides.ts';

const skip = missing(
  'root',
  'dockerd',
  'docker',
  'docker-registry',
  'nsenter',
  'unshare',
  'curl',
  'busybox',
  'tar',
  'go',
);
const options = { skip, timeout: 300_000 };

const theirs = new Side('dockerd');
const ours = new Side('skiffd');
const sides = [theirs, ours];

/** Files of the context: mode and content; a folder ends with a slash, a link has `->`. */
const CONTEXT: Readonly<Record<string, string>> = {
  'a.txt': '644 a',
  'b.txt': '600 b',
  'run.sh': '755 #!/bin/sh\necho run\n',
  'd/': '750',
  'd/one': '640 one',
  'd/sub/': '711',
  'd/sub/two': '604 two',
  'd/sub/three.log': '644 three',
  link: '-> d/one',
  'd/up': '-> ../a.txt',
  'ignored/x': '644 x',
  '.dockerignore': '644 ignored\n**/*.log\n',
};

/** Of a folder that WORKDIR makes after USER the owner differs: here it is the user, as BuildKit has it. */
const DOCKERFILES: Readonly<Record<string, string>> = {
  settings: `
    FROM base
    MAINTAINER somebody
    ARG WHO=world
    ENV A=1 B="two words" C=$A-\${WHO}
    LABEL one=1 two="2 \\
    lines"
    EXPOSE 80 53/udp
    VOLUME ["/v1", "/v2"]
    WORKDIR /w/$A
    WORKDIR sub
    USER 1000:1000
    STOPSIGNAL SIGINT
    SHELL ["/bin/sh", "-ec"]
    HEALTHCHECK --interval=5s --retries=2 CMD true
    ENTRYPOINT ["echo"]
    CMD ["hi", "there"]`,
  copies: `
    FROM base
    RUN mkdir -p /there/in && ln -s there /through && chmod 700 /there
    COPY a.txt /new
    COPY a.txt b.txt /folder/
    COPY d /copied
    COPY d /there/
    COPY link /through/
    COPY *.txt /through/in/
    COPY d/sub/../one /through/in/renamed
    WORKDIR /work/here
    COPY run.sh .
    COPY d/sub d/one ./mixed/
    COPY --chown=7:8 d /owned
    ADD a.txt /added/
    COPY . /all/`,
  stages: `
    FROM base AS build
    RUN mkdir /out && echo made > /out/file && chmod 4755 /out/file && ln /out/file /out/hard && ln -s file /out/soft
    FROM base AS unused
    RUN true
    FROM base
    COPY --from=build /out /result
    COPY --from=build /out/soft /followed
    COPY --from=0 /out/file /bin/tool
    RUN rm /bin/tool && mkdir /bin/tool && touch /bin/tool/x`,
  removes: `
    FROM base
    RUN mkdir -p /x/y && touch /x/y/z /x/w
    RUN rm -r /x/y && mkdir /x/y && touch /x/y/new
    RUN rm -rf /x
    RUN mkdir /x && chown 5:6 /x && touch -d '2001-01-01 01:01:01' /x/old`,
};

/** What only BuildKit's builder knows. Places to mount on are there: older ones leave those they make. */
const NEWER: Readonly<Record<string, string>> = {
  mounts: `
    FROM base AS other
    RUN mkdir /o && echo other > /o/file
    FROM base
    USER 1000
    WORKDIR /home/owned
    USER 0
    RUN mkdir -p /cache /scratch /context /mnt/o
    RUN --mount=type=cache,target=/cache --mount=type=tmpfs,target=/scratch touch /cache/x /scratch/y && echo 1 > /one
    RUN --mount=type=bind,from=other,source=/o,target=/mnt/o cat /mnt/o/file > /two
    RUN --mount=type=bind,target=/context,rw touch /context/new && cp /context/a.txt /three
    RUN --mount=type=secret,id=none cat /run/secrets/none || echo none > /four
    COPY --chown=3:4 --from=other /o /five/`,
};
const ALL = { ...NEWER, ...DOCKERFILES };
/** Of them, with BuildKit; 5 are all. */
const COMPARED = Number(process.env['SKIFF_BUILDKIT_IMAGES'] ?? 3);

before(async () => {
  if (skip !== false) return;
  for (const side of sides) {
    await side.start();
    mkdirSync(`${side.folder}/config/cli-plugins`, { recursive: true });
    copyFileSync(installBuildx(), `${side.folder}/config/cli-plugins/docker-buildx`);
    for (const [name, dockerfile] of Object.entries(ALL)) {
      mkdirSync(`${side.folder}/work/${name}`);
      const lines = dockerfile.split('\n').map((line) => line.replace(/^ {4}/, ''));
      writeFileSync(`${side.folder}/work/${name}/Dockerfile`, `${lines.join('\n')}\n`);
      for (const [path, entry] of Object.entries(CONTEXT)) {
        const [mode = '', content = ''] = entry.split(/ ([^]*)/);
        const full = `${name}/${path}`;
        const make = path.endsWith('/')
          ? `mkdir -p ${full} && chmod ${mode} ${full}`
          : mode === '->'
            ? `ln -s ${content} ${full}`
            : `mkdir -p $(dirname ${full}) && printf '%b' '${content}' > ${full} && chmod ${mode} ${full} && touch -d 2020-02-02T02:02:02Z ${full}`;
        const { status, stderr } = await side.raw(make);
        assert.equal(status, 0, stderr);
      }
    }
    assert.equal((await side.raw(`docker import ${busyboxTar()} base`)).status, 0);
  }
});

after(async () => {
  for (const side of sides) await side[Symbol.asyncDispose]();
});

/** Files a container sees, without those every container gets; times only where the context says them. */
const LIST = `set -e; id=$(docker create IMAGE x); docker export $id | tar -tv --numeric-owner --full-time |
  sed -E 's/ +/ /g' | grep -vE ' (\\.dockerenv|(dev|proc|sys)(/.*)?|etc/(hostname|hosts|resolv\\.conf|mtab.*)|etc/|bin/[^ ]+ -> busybox)$' |
  sed -E '/2020-02-02|2001-01-01/!s/[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:.]+/TIME/' | sort -k6`;

interface BuiltImage {
  readonly config: string;
  readonly files: string[];
}

async function built(side: Side, name: string, buildKit: 0 | 1): Promise<BuiltImage> {
  const image = `made-${name}-${buildKit}`;
  const build = await side.raw(`DOCKER_BUILDKIT=${buildKit} docker build -q --network none -t ${image} ${name}`);
  assert.equal(build.status, 0, `${side.daemon} ${name}: ${build.stderr}${build.stdout}`);
  const config = await side.raw(`docker image inspect -f '{{json .Config}}' ${image}`);
  const files = await side.raw(LIST.replace('IMAGE', image));
  assert.equal(files.status, 0, files.stderr);
  return { config: config.stdout, files: files.stdout.trim().split('\n') };
}

/** What says nothing of the image: the classic builder leaves the container it ran last, an older BuildKit a note for Windows. */
function settings(json: string): Record<string, unknown> {
  const all = JSON.parse(json) as Record<string, unknown>;
  const meaningless = [
    'Hostname',
    'Image',
    'AttachStdin',
    'AttachStdout',
    'AttachStderr',
    'OpenStdin',
    'StdinOnce',
    'Tty',
    'ArgsEscaped',
  ];
  const kept = Object.entries(all).filter(
    ([key, value]) => !meaningless.includes(key) && value !== null && value !== '',
  );
  return Object.fromEntries(kept.sort(([a], [b]) => (a < b ? -1 : 1)));
}

for (const name of Object.keys(DOCKERFILES)) {
  test(`${name}: the same image as dockerd's classic builder makes`, options, async () => {
    const [their, our] = [await built(theirs, name, 0), await built(ours, name, 0)];
    assert.deepEqual(settings(our.config), settings(their.config));
    assert.deepEqual(our.files, their.files);
  });
}

for (const name of Object.keys(ALL).slice(0, COMPARED)) {
  test(`${name}: the same image as dockerd's BuildKit makes`, options, async () => {
    const [their, our] = [await built(theirs, name, 1), await built(ours, name, 1)];
    assert.deepEqual(settings(our.config), settings(their.config));
    assert.deepEqual(our.files, their.files);
  });
}
