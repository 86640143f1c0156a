/** Instructions that change what the image says of itself: ENV, LABEL, CMD, EXPOSE, … and WORKDIR, which makes its folder. */
import { posix } from 'node:path';
import { signalNumber } from '#linux';
import { expandToWords } from '../expand/expand.ts';
import { errors } from '../errors.ts';
import { finding, type LintPlace } from '../lint/linter.ts';
import type {
  ArgInstruction,
  Command,
  CommandInstruction,
  HealthcheckInstruction,
  PairsInstruction,
  TextInstruction,
  WordsInstruction,
} from '../parse/instruction.ts';
import { displayText } from './display-text.ts';
import { goHealthcheck, goList, goQuoteList } from '../go-format.ts';
import type { PlanParts } from './plan-parts.ts';
import { parsePorts } from './ports.ts';
import type { StageState } from './stage-state.ts';

const SECRET = /(?:^|_)(?:apikey|auth|credentials?|key|password|pword|passwd|secret|token)(?:_|$)/i;
/** All there are, of three protocols. */
const MAX_PORTS = 3 * 65_536;
const NO_SECRET = /(?:^|_)(?:public|file|version)(?:_|$)/i;

/** Throws what a default's variables throw. */
export function planArg(parts: PlanParts, stage: StageState, instruction: ArgInstruction): void {
  const shown = instruction.args.map(({ name, value: written }) => {
    warnOfSecret(stage, instruction, 'ARG', name);
    const given = Object.hasOwn(parts.buildArgs, name) ? parts.buildArgs[name] : undefined;
    // A default that is not used need not make sense.
    const fallback = (): string | undefined =>
      written === undefined ? parts.globals.values.get(name) : stage.expand(written, instruction);
    const value = given ?? fallback();
    stage.variables.declare(name, value);
    return value === undefined ? name : `${name}=${value}`;
  });
  stage.note(`ARG ${shown.join(' ')}`, 'empty');
}

/** All see the variables as they were before. Throws what variables throw. */
export function planPairs(stage: StageState, instruction: PairsInstruction): void {
  const { kind } = instruction;
  const name = kind.toUpperCase();
  if (instruction.isLegacy) {
    const detail = `"${name} key=value" should be used instead of legacy "${name} key value" format`;
    stage.facts.findings.push(finding('LegacyKeyValueFormat', instruction, detail));
  }
  const pairs = instruction.pairs.map(([key, value]): [string, string] => [
    stage.expand(key, instruction),
    stage.expand(value, instruction),
  ]);
  if (kind === 'env' && pairs.some(([key]) => key === '')) throw errors.blankName(name);
  for (const [key, value] of kind === 'env' ? pairs : []) {
    warnOfSecret(stage, instruction, 'ENV', key);
    stage.variables.setEnv(key, value);
  }
  if (kind === 'label') stage.change({ labels: { ...stage.config.labels, ...Object.fromEntries(pairs) } });
  stage.note([name, ...pairs.map(([key, value]) => `${key}=${value}`)].join(' '), 'empty');
}

export function planCommand(stage: StageState, instruction: CommandInstruction): void {
  const { kind, command } = instruction;
  const name = kind.toUpperCase();
  warnIfRepeated(stage, instruction, name);
  if (command.form === 'shell' && stage.config.shell.length === 0) {
    const detail = `JSON arguments recommended for ${name} to prevent unintended behavior related to OS signals`;
    stage.facts.findings.push(finding('JSONArgsRecommended', instruction, detail));
  }
  const words = wordsOf(command, stage.shell);
  if (kind === 'cmd') stage.change({ command: words });
  // A command of the base image was meant for its own entrypoint.
  else stage.change({ entrypoint: words, ...(stage.given.has('CMD') ? {} : { command: [] }) });
  stage.note(`${name} ${goQuoteList(words)}`, 'empty');
}

const wordsOf = (command: Command, shell: readonly string[]): readonly string[] =>
  command.form === 'exec' ? command.words : [...shell, command.line];

export function planHealthcheck(stage: StageState, instruction: HealthcheckInstruction): void {
  warnIfRepeated(stage, instruction, 'HEALTHCHECK');
  stage.change({ healthcheck: instruction.healthcheck });
  stage.note(`HEALTHCHECK ${goHealthcheck(instruction.healthcheck)}`, 'empty');
}

/** Throws `dockerfile.badPort`, `.emptyVolume` and what variables throw. */
export function planWords(stage: StageState, instruction: WordsInstruction): void {
  const { kind, words } = instruction;
  if (kind === 'shell') {
    stage.change({ shell: words });
    stage.note(`SHELL ${goList(words)}`, 'empty');
    return;
  }
  if (kind === 'expose') {
    const ports: string[] = [];
    // compat: in the order of the words' letters, as they are written.
    for (const word of words.toSorted()) exposedBy(stage, instruction, word, ports);
    stage.change({ exposedPorts: united(stage.config.exposedPorts, ports) });
    stage.note(`EXPOSE ${goList(ports)}`, 'empty');
    return;
  }
  const volumes = words.map((word) => stage.expand(word, instruction));
  if (volumes.includes('')) throw errors.emptyVolume();
  stage.change({ volumes: united(stage.config.volumes, volumes) });
  stage.note(`VOLUME ${goList(volumes)}`, 'empty');
}

/** Adds to `ports`. */
function exposedBy(stage: StageState, place: LintPlace, word: string, ports: string[]): void {
  // Once for what the linter says of variables, once for the words in their values.
  stage.expand(word, place);
  const words = expandToWords(word, stage.variables.valueOf, { escape: stage.facts.escape });
  for (const text of words) {
    const { ports: more, hasUpperCase, hasHostPart } = parsePorts(text);
    if (hasUpperCase) {
      const detail = `Defined protocol '${text}' in EXPOSE instruction should be lowercase`;
      stage.facts.findings.push(finding('ExposeProtoCasing', place, detail));
    }
    if (hasHostPart) {
      const detail = `EXPOSE instruction should not define an IP address or host-port mapping, found '${text}'`;
      stage.facts.findings.push(finding('ExposeInvalidFormat', place, detail));
    }
    for (const port of more) ports.push(port);
    if (ports.length > MAX_PORTS) throw errors.badPort(`more than ${MAX_PORTS} ports in one instruction`);
  }
}

/** Throws `dockerfile.badSignal` and what variables throw. */
export function planText(parts: PlanParts, stage: StageState, instruction: TextInstruction): void {
  if (instruction.kind === 'maintainer') {
    stage.author = instruction.value;
    stage.note(`MAINTAINER ${instruction.value}`, 'empty');
    return;
  }
  const value = stage.expand(instruction.value, instruction);
  if (instruction.kind === 'workdir') {
    planWorkdir(parts, stage, instruction, value);
    return;
  }
  if (instruction.kind === 'user') stage.change({ user: value });
  else {
    if (!signalNumber(value)) throw errors.badSignal(value);
    stage.change({ stopSignal: value });
  }
  stage.note(`${instruction.kind.toUpperCase()} ${value}`, 'empty');
}

function planWorkdir(parts: PlanParts, stage: StageState, instruction: TextInstruction, value: string): void {
  if (posix.isAbsolute(value)) stage.hasWorkdir = true;
  else if (!stage.hasWorkdir) {
    const detail = `Relative workdir ${JSON.stringify(value)} can have unexpected results if the base image changes`;
    stage.facts.findings.push(finding('WorkdirRelativePath', instruction, detail));
  }
  const path = posix.resolve('/', stage.workingDirectory, value);
  stage.change({ workingDirectory: path });
  if (path !== '/') {
    const facts = stage.stepFacts(displayText(stage, instruction), instruction.range);
    stage.root = parts.graph.add({
      kind: 'files',
      ...facts,
      root: stage.root,
      actions: [{ kind: 'make-folder', path, mode: 0o755, owner: stage.config.user }],
    });
  }
  stage.note(`WORKDIR ${path}`, path === '/' ? 'empty' : 'layer');
}

function warnIfRepeated(stage: StageState, place: LintPlace, name: string): void {
  const before = stage.given.get(name);
  if (before) {
    const detail = `Multiple ${name} instructions should not be used in the same stage because only the last one will be used`;
    stage.facts.findings.push(finding('MultipleInstructionsDisallowed', before, detail));
  }
  stage.given.set(name, place);
}

function warnOfSecret(stage: StageState, place: LintPlace, instruction: 'ARG' | 'ENV', name: string): void {
  if (!SECRET.test(name) || NO_SECRET.test(name)) return;
  const detail = `Do not use ARG or ENV instructions for sensitive data (${instruction} ${JSON.stringify(name)})`;
  stage.facts.findings.push(finding('SecretsUsedInArgOrEnv', place, detail));
}

function united(before: readonly string[], more: readonly string[]): string[] {
  return [...new Set([...before, ...more])];
}
