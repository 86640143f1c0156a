/**
 * Where we answer otherwise than dockerd 20.10 on purpose. Each has a row of that name in docs/differences.md; a step
 * listed here has to differ, and to say what `ours` expects.
 */
export interface Difference {
  /** The row's name in docs/differences.md. */
  readonly name: string;
  readonly steps: readonly string[];
  /** Of our stdout and stderr together. */
  readonly ours: RegExp;
}

export const differences: readonly Difference[] = [
  {
    name: 'missing image, inspect',
    steps: [
      'docker image inspect nosuch',
      'docker image inspect base:1 nosuch two:1',
      'docker image inspect sha256:zz',
      'docker image inspect sha256:00',
    ],
    ours: /daemon: No such image: (?:nosuch:latest|sha256:zz|sha256:00)\n$/,
  },
  {
    name: 'name server',
    steps: ['docker create --name no nosuch:1 true'],
    ours: /dial tcp: lookup registry-1.docker.io: .*\n$/,
  },
  {
    name: 'broken archives',
    steps: [
      'docker load -i garbage.tar',
      'docker load -i empty.tar',
      'docker load -i truncated.tar',
      'docker load -i no-manifest.tar',
      'docker load -i bad-manifest.tar',
      'docker load -i missing-config.tar',
      'docker load -i bad-config.tar',
      'docker load -i bad-tag.tar',
      'docker load',
      'docker import garbage.tar imported:garbage',
    ],
    ours: /^Error response from daemon: (?:tar: |this is no archive of images: |manifest\.json is |image config is |invalid reference format: )/,
  },
  {
    name: 'archive without a layer',
    steps: ['docker load -i missing-layer.tar'],
    ours: /its manifest\.json names layer-1\/layer\.tar, which is not in it/,
  },
  {
    name: 'STOPSIGNAL',
    steps: ["docker import -c 'STOPSIGNAL SIGINT' layer.tar imported:signal && docker rmi imported:signal"],
    ours: /Untagged: imported:signal/,
  },
  {
    name: 'platform of an import',
    steps: [
      'docker import --platform linux/arm64 layer.tar imported:arm; docker image inspect -f "{{.Architecture}} {{.Variant}}" imported:arm',
    ],
    ours: /^arm64/m,
  },
  {
    name: 'platform of a pull',
    steps: ['docker pull --platform linux/s390x localhost:5601/two:1'],
    ours: /does not match the specified platform: wanted linux\/s390x, actual: linux\/amd64/,
  },
  {
    name: 'version of Docker in images',
    steps: [
      'cat layer.tar | docker import - imported:5; docker image inspect imported:5',
      "docker commit -a 'Me <me@x>' -m 'my words' c2 committed:1; docker image inspect committed:1",
    ],
    ours: /"DockerVersion": ""/,
  },
  {
    name: 'saved archives',
    steps: [
      'docker save base:1 two:1 -o both.tar; tar -xOf both.tar manifest.json',
      'docker save $(docker images -q --no-trunc two:1) | tar -xO manifest.json',
      'docker save $(docker images -q two:1) | tar -xO manifest.json',
      'docker save base | tar -xO repositories',
      'docker save two:1 two:1 | tar -xO manifest.json',
    ],
    ours: /"Config":"blobs\/sha256\/ID-two"|\{"base":\{"1":"ID-layer-0"\}\}/,
  },
  {
    name: 'missing image, save',
    steps: ['docker save -o both.tar base nosuch:1; ls both.tar'],
    ours: /No such image: nosuch:1/,
  },
  {
    name: 'events of the above',
    steps: ["sleep 1; docker events --since 0 --until 0s --filter type=image --format '{{.Action}}' | sort | uniq -c"],
    // The oldest may have been forgotten by now, as 256 are kept.
    ours: /^ +1\d delete\n +8 import\n +10 load\n +\d prune\n +6 pull\n +4 push\n +6 save\n +20 tag\n +2\d untag\n$/,
  },
  {
    name: 'space reclaimed',
    steps: ['docker image prune -af --filter label!=l', 'docker image prune --all -f'],
    ours: /Total reclaimed space: (?:\d\.\d+MB|5\.\d+kB)/,
  },
];

/** Texts that only the version makes different, to what both say. */
export function sameWords(text: string): string {
  return (
    text
      .replace(
        /^(Error response from daemon: )([A-Z])(?=nvalid )/gm,
        (_, words: string, letter: string) => `${words}${letter.toLowerCase()}`,
      )
      .replace(/repository name \([^)]*\) must/g, 'repository name must')
      // Manifests are written without white space here.
      .replace(/(digest: sha256:\S+ size: )\d+/g, '$1N')
      .replace(/^"?(\S*)"?: cannot parse/gm, '$1: cannot parse')
  );
}

/** Whether Docker itself tells the lines of this in no certain order. */
export const isUnordered = (step: string): boolean =>
  /docker (?:push|diff|images|image prune|save|system df -v)/.test(step);

/** Whether a step changes nothing, so that our own command line may be asked the same. */
export const isReading = (step: string): boolean =>
  /^docker (?:images|image ls|image inspect|history|system df|diff|tag base:1 (?:Upper|bad:|:bad|'|a@|x:|sha256|0))/.test(
    step,
  ) &&
  !step.includes(';') &&
  // Words of our own (docs/differences.md), and forms only Docker has.
  !/--filter bad|Nothing|format raw|df -v|image inspect(?:$| '')/.test(step);
