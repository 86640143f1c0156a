/** RUN as a step: what is run, in which environment, with which mounts. */
import type { InlineFile, RunStep } from '../../graph.ts';
import { bodyOf, heredocStart, withBodies } from '../parse/heredoc.ts';
import type { RunInstruction } from '../parse/instruction.ts';
import { displayText } from './display-text.ts';
import { planMounts } from './plan-mounts.ts';
import type { PlanParts } from './plan-parts.ts';
import type { StageState } from './stage-state.ts';

/** Where a script that names its own interpreter is put. */
const PIPES = '/dev/pipes/';

/** Throws what its mounts' variables, fields and sources throw. */
export async function planRun(parts: PlanParts, stage: StageState, instruction: RunInstruction): Promise<void> {
  const { argv, heredocs } = commandOf(stage, instruction);
  const facts = stage.stepFacts(displayText(stage, instruction), instruction.range);
  const hostname = parts.buildArgs['BUILDKIT_SANDBOX_HOSTNAME'];
  const step: RunStep = {
    kind: 'run',
    ...facts,
    root: stage.root,
    argv,
    environment: stage.variables.environment,
    workingDirectory: stage.workingDirectory,
    user: stage.config.user,
    network: instruction.network,
    isPrivileged: instruction.isPrivileged,
    mounts: await planMounts(parts, stage, instruction),
    heredocs,
    ...(hostname ? { hostname } : {}),
    // One that is declared is an ARG like others.
    proxyEnvironment: parts.proxyEnvironment.filter(
      (entry) => !stage.variables.isDeclared(entry.slice(0, entry.indexOf('='))),
    ),
  };
  stage.root = parts.graph.add(step);
  stage.note(`RUN ${stage.variables.historyPrefix}${argv.join(' ')} # buildkit`, 'layer');
}

function commandOf(
  stage: StageState,
  { command, heredocs }: RunInstruction,
): { argv: readonly string[]; heredocs: InlineFile[] } {
  if (command.form === 'exec') return { argv: command.words, heredocs: [] };
  const [only] = heredocs;
  if (!only) return { argv: [...stage.shell, command.line], heredocs: [] };
  if (!heredocStart(command.line)) return { argv: [...stage.shell, withBodies(command.line, heredocs)], heredocs: [] };
  const content = bodyOf(only);
  if (!content.startsWith('#!')) return { argv: [...stage.shell, content], heredocs: [] };
  return { argv: [...stage.shell, PIPES + only.name], heredocs: [{ path: only.name, content }] };
}
