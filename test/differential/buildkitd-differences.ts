/** Where our builder does or says something else than a real BuildKit on purpose. */

export interface ImageDifference {
  readonly why: string;
  /** What is left out of the comparison: lines of layers, or whole fields of the image. */
  readonly lines?: RegExp;
  readonly fields?: readonly string[];
}

/** What differs on purpose, by the name of the case. */
export const imageDifferences: Readonly<Record<string, ImageDifference>> = {
  'nothing at all': {
    why: 'lists that are empty, and the beginning of time as Go has it, instead of null',
    fields: ['created', 'history', 'rootfs'],
  },
  'files removed and replaced': {
    why: 'a folder made anew is said by one mark, and marks have the attributes the kernel gave them',
    lines: /\.wh\./,
  },
  'mounts of steps': { why: 'a folder in which a place to mount on was made is in the layer', lines: /^(?:mnt|w)\/ / },
  secrets: { why: 'a folder in which a place to mount on was made is in the layer', lines: /^etc\/ / },
  'a folder as a base': { why: 'its files stand where they come from in the history', fields: ['history'] },
  'a date': {
    why: 'new files have that time at the latest, without rewrite-timestamp=true too: the same input, the same digest',
    lines: /^w\/(?:a\.txt|made) /,
  },
};

export interface TextDifference {
  /** What is asked, and the Dockerfile. */
  readonly of: RegExp;
  /** What ours says. */
  readonly ours: RegExp;
  readonly why: string;
}

export const textDifferences: readonly TextDifference[] = [
  {
    of: /^COPY a\.txt b\.txt \/file$/m,
    ours: /When using COPY with more than one source file, the destination must be a directory/,
    why: 'the second file would take the place of the first',
  },
  { of: /--chown=a:b:c/, ours: /invalid chown parameter: 'a:b:c'/, why: 'the third part would be passed over' },
  {
    of: /--chmod=u\+q/,
    ours: /invalid chmod parameter: 'u\+q'/,
    why: 'which value is wrong, not only that there is one',
  },
  {
    of: /nosuch\.invalid/,
    ours: /nosuch\.invalid\/x: Get "https:[^"]*": dial tcp: lookup nosuch\.invalid: no such host/,
    why: "the system's resolver is asked, which does not say which server it asked",
  },
  {
    of: /^COPY (?:d \/etc\/passwd|a\.txt \/etc\/passwd\/x)$/m,
    ours: /cannot copy to non-directory: \/etc\/passwd/,
    why: "the path in the image, not one of the builder's own",
  },
  {
    of: /^ADD (?:--checksum=\w+:?\w* )?(?:HTTP|GIT)/m,
    ours: />>> ADD [^]*(?:http:\/\/HOST|invalid checksum digest format: "nosuch")/,
    why: 'which line, which URL and which value',
  },
  { of: /\$\{B$/m, ours: /syntax error: missing '}'/, why: 'the end of the line is no modifier' },
  {
    of: /^USER nosuch$/m,
    ours: /failed to solve: unable to find user nosuch: no matching entries in passwd file/,
    why: 'the program was never started',
  },
  {
    of: /^VOLUME \[""\]$/m,
    ours: /failed to solve: VOLUME specified can not be an empty string/,
    why: 'the line is in the excerpt',
  },
  {
    of: /^(?:RUN \["|SHELL \["\/nosuch)/m,
    ours: /exec: "[^"]*": (?:stat [^:]*: no such file or directory|executable file not found in \$PATH|permission denied)/,
    why: 'why it cannot be run, not only that it was not',
  },
  {
    of: /^WORKDIR \/etc\/passwd/m,
    ours: /\/etc\/passwd is not a directory|cannot copy to non-directory: \/etc\/passwd\/x/,
    why: 'the same words as for COPY',
  },
  { of: /type=ssh,required/, ours: /ssh default: no agent was given to this build/, why: 'what to do about it' },
  {
    of: /--network=host|--security=insecure/,
    ours: />>> RUN --[^]*is not allowed: this build was not given that right/,
    why: 'which line, and what to do',
  },
  { of: /^# only a comment$/m, ours: /failed to solve: file with no instructions/, why: 'there is no line to show' },
  {
    of: /--platform=nosuch/,
    ours: /^(?:(?!Dockerfile:1)[^])*Dockerfile:1(?:(?!Dockerfile:1)[^])*unknown operating system or architecture/,
    why: 'the line is shown once',
  },
  { of: /^# escape=/m, ours: />>> # escape=[^]*(?:invalid escape token|only one escape)/, why: 'which line' },
  { of: /^# check=error=true/m, ours: />>> FROM base AS Big[^]*lint violation found/, why: 'which line' },
  {
    of: /^FROM one AS two\nFROM two/m,
    ours: /one: Get "https:[^"]*": dial tcp: lookup registry-1\.docker\.io: no such host/,
    why: "the system's resolver is asked, which does not say which server it asked",
  },
  { of: /--from=5/, ours: />>> FROM base[^]*invalid stage index 5/, why: 'which stage' },
];

/** Of what `--check` and `--call` print. */
export const describedDifferences: readonly TextDifference[] = [
  {
    of: /^COPY ignored\/x/m,
    ours: /Attempting to Copy file "ignored\/x" that is excluded by \.dockerignore/,
    why: 'an ignore file with exceptions is followed rather than no check made',
  },
  {
    of: /^outline\n[^]*^ARG V=\$G/m,
    ours: /V +\$G +of a/,
    why: 'a default that cannot be replaced is shown as it is written',
  },
];
